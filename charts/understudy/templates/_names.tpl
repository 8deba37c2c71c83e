{{/* The prefix of every name: fullnameOverride, or the release's name. */}}
{{- define "understudy.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains "understudy" .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-understudy" .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* The operator's Deployment, service account, Service, roles and Lease. */}}
{{- define "understudy.operator" -}}
{{- printf "%s-operator" (include "understudy.fullname" .) -}}
{{- end -}}

{{/* The operator's user name on the API server. */}}
{{- define "understudy.operatorUser" -}}
{{- printf "system:serviceaccount:%s:%s" .Release.Namespace (include "understudy.operator" .) -}}
{{- end -}}

{{- define "understudy.approvalName" -}}
{{- printf "%s-approval" (include "understudy.fullname" .) -}}
{{- end -}}

{{- define "understudy.mainName" -}}
{{- printf "%s-main" (include "understudy.fullname" .) -}}
{{- end -}}

{{/* The guard: the policy of labels with one of its two bindings, the other binding, and the policy of names. */}}
{{- define "understudy.guardName" -}}
{{- printf "%s-guard" (include "understudy.fullname" .) -}}
{{- end -}}

{{- define "understudy.guardWorkloadsName" -}}
{{- printf "%s-guard-workloads" (include "understudy.fullname" .) -}}
{{- end -}}

{{- define "understudy.guardNamesName" -}}
{{- printf "%s-guard-names" (include "understudy.fullname" .) -}}
{{- end -}}

{{- define "understudy.urisName" -}}
{{- printf "%s-uris" (include "understudy.fullname" .) -}}
{{- end -}}
{{- define "understudy.runtimesName" -}}
{{- printf "%s-runtimes" (include "understudy.fullname" .) -}}
{{- end -}}

{{/* The selector of the namespaces in which policies apply. */}}
{{- define "understudy.watchedNamespaces" -}}
{{- if .Values.watchNamespaces -}}
matchExpressions:
- key: kubernetes.io/metadata.name
  operator: In
  values: {{ toJson .Values.watchNamespaces }}
{{- else -}}
{}
{{- end -}}
{{- end -}}

{{- define "understudy.stampName" -}}
{{- printf "%s-stamp" (include "understudy.fullname" .) -}}
{{- end -}}

{{/* The S3 server with the sample models: its Deployment, Service and Secret. */}}
{{- define "understudy.samples" -}}
{{- printf "%s-samples" (include "understudy.fullname" .) -}}
{{- end -}}

{{/* "true" if the stamp policy is installed: the API server writes the names of people into the annotations. Else empty. */}}
{{- define "understudy.stampsNames" -}}
{{- if and .Values.policies.install (.Capabilities.APIVersions.Has "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy") -}}
true
{{- end -}}
{{- end -}}

{{- define "understudy.selectorLabels" -}}
app.kubernetes.io/name: understudy-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "understudy.samplesSelectorLabels" -}}
app.kubernetes.io/name: understudy-samples
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "understudy.labels" -}}
{{ include "understudy.selectorLabels" . }}
{{ include "understudy.commonLabels" . }}
{{- end -}}

{{- define "understudy.samplesLabels" -}}
{{ include "understudy.samplesSelectorLabels" . }}
{{ include "understudy.commonLabels" . }}
{{- end -}}

{{- define "understudy.commonLabels" -}}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: understudy
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* repository:tag of an image value. The default of the tag is the chart's appVersion. */}}
{{- define "understudy.image" -}}
{{- printf "%s:%s" .image.repository (.image.tag | default .appVersion) -}}
{{- end -}}

{{/* What the restricted Pod Security Standard requires of a container. */}}
{{- define "understudy.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- define "understudy.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{/* The annotation with the address of an alert's section in docs/operations.md, if runbookUrl is set. */}}
{{- define "understudy.runbook" -}}
{{- with (first .).runbookUrl -}}
runbook_url: {{ printf "%s%s" . (last $ | lower) | quote }}
{{- end -}}
{{- end -}}
