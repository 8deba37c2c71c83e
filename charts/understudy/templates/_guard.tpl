{{/*
The guard around the objects that the operator owns. As with the approval policy, these templates render the installed
policies and their copy in the ConfigMap, which the operator compares with the live ones.

An object is ours if it carries the label understudy.dev/deployment, if the pods of its template do, or, for the number of
pods of a workload, if its selector does. Both the object before the write and the object after it count, so that removing
the label is no way out. Deleting and evicting are not matched: the operator creates again what is missing.
*/}}
{{- define "understudy.guardPolicy" -}}
failurePolicy: Fail
matchConstraints:
  matchPolicy: Equivalent
  namespaceSelector: {{- include "understudy.watchedNamespaces" . | nindent 4 }}
  objectSelector: {}
  resourceRules:
  - apiGroups: [""]
    apiVersions: [v1]
    operations: [CREATE, UPDATE]
    resources: [pods, pods/status, pods/ephemeralcontainers, pods/resize, services, services/status, configmaps, endpoints]
    scope: Namespaced
  - apiGroups: [apps]
    apiVersions: [v1]
    operations: [CREATE, UPDATE]
    resources: [deployments, deployments/status, deployments/scale, replicasets, replicasets/status, replicasets/scale]
    scope: Namespaced
  - apiGroups: [policy]
    apiVersions: [v1]
    operations: [CREATE, UPDATE]
    resources: [poddisruptionbudgets, poddisruptionbudgets/status]
    scope: Namespaced
  - apiGroups: [discovery.k8s.io]
    apiVersions: [v1]
    operations: [CREATE, UPDATE]
    resources: [endpointslices]
    scope: Namespaced
# One of the two bindings also matches Deployments and ReplicaSets without our label.
matchConditions:
- name: ours
  expression: >-
    [oldObject, object].exists(o, o != null
    && (o.metadata.?labels[?'understudy.dev/deployment'].hasValue()
    || o.?spec.?template.?metadata.?labels[?'understudy.dev/deployment'].hasValue()
    || (request.?subResource.orValue('') == 'scale' && o.?status.?selector.orValue('').contains('understudy.dev/deployment='))))
variables:
# Who writes.
{{ include "understudy.guardWriters" . }}
- name: isControlPlane
  expression: variables.me == 'system:kube-controller-manager'
- name: isNode
  expression: "variables.me.startsWith('system:node:') && 'system:nodes' in request.userInfo.groups"
# What is written.
- name: resource
  expression: "request.resource.resource + (request.?subResource.orValue('') == '' ? '' : '/' + request.subResource)"
- name: creates
  expression: request.operation == 'CREATE'
- name: controller
  expression: >-
    object.metadata.?ownerReferences.orValue([]).filter(o, o.?controller.orValue(false)).map(o, o.apiVersion + '/' + o.kind)
- name: before
  expression: "oldObject == null ? {} : oldObject.metadata.?annotations.orValue({})"
- name: after
  expression: "object.metadata.?annotations.orValue({})"
# Network plugins and meshes write annotations of pods from accounts of their own.
- name: annotates
  expression: >-
    variables.resource in ['pods', 'pods/status'] && oldObject != null
    && object.?spec == oldObject.?spec && object.?status == oldObject.?status
    && object.metadata.?labels == oldObject.metadata.?labels
    && object.metadata.?ownerReferences == oldObject.metadata.?ownerReferences
    && object.metadata.?finalizers == oldObject.metadata.?finalizers
    && (variables.before.map(k, k) + variables.after.map(k, k))
    .all(k, !k.startsWith('understudy.dev/') || variables.before[?k] == variables.after[?k])
# A pod is made for a ReplicaSet, and a ReplicaSet for a Deployment, so that no workload of others makes one of ours.
- name: isCreator
  expression: >-
    variables.creates
    && ((variables.resource == 'pods' && variables.controller == ['apps/v1/ReplicaSet']
    && (variables.isControlPlane || variables.me == 'system:serviceaccount:kube-system:replicaset-controller'))
    || (variables.resource == 'replicasets' && variables.controller == ['apps/v1/Deployment']
    && (variables.isControlPlane || variables.me == 'system:serviceaccount:kube-system:deployment-controller'))
    || (variables.resource in ['endpointslices', 'endpoints'] && variables.isKubernetes))
# No controller of Kubernetes writes these on its own account. An autoscaler writes `scale` because somebody asked it to.
- name: isMaintainer
  expression: >-
    !variables.creates
    && ((variables.isKubernetes && !(variables.resource in ['pods/ephemeralcontainers', 'pods/resize', 'deployments/scale', 'replicasets/scale']))
    || (variables.isNode && variables.resource == 'pods/status'))
# For the message.
- name: name
  expression: "object.metadata.?name.orValue('') == '' ? object.metadata.?generateName.orValue('') : object.metadata.name"
- name: action
  expression: "variables.creates ? 'create' : 'change'"
validations:
- expression: variables.isOperator || variables.isListed || variables.isCreator || variables.isMaintainer || variables.annotates
  messageExpression: >-
    variables.me + ' may not ' + variables.action + ' the ' + request.kind.kind + ' ' + variables.name
    + (!variables.creates ? '' : ' with the label understudy.dev/deployment' + (request.kind.group == 'apps' ? ' on it or on its pods' : ''))
    + ': only the operator of Understudy and the controllers of Kubernetes may. Change the ModelDeployment instead.'
    + ' If the platform needs this writer, add the name to guard.writers of the chart'
  reason: Forbidden
# Nobody else writes a Service of a model. The operator's probe tries to create such a one as a dry run, to check that this
# policy is in force.
- expression: >-
    variables.resource != 'services' || !variables.isOperator
    || (object.spec.?type.orValue('ClusterIP') == 'ClusterIP' && object.spec.?externalIPs.orValue([]).size() == 0)
  message: "the Service of a model is of type ClusterIP and has no external IPs: what leads callers from outside to it is an Ingress or a Gateway"
  reason: Forbidden
{{- end -}}

{{/* Most writes are sorted out by the label, before any expression is evaluated. */}}
{{- define "understudy.guardBinding" -}}
policyName: {{ include "understudy.guardName" . }}
matchResources:
  matchPolicy: Equivalent
  namespaceSelector: {}
  objectSelector:
    matchExpressions:
    - {key: understudy.dev/deployment, operator: Exists}
validationActions: [Deny, Audit]
{{- end -}}

{{/* Workloads without our label, whose pods may have it. */}}
{{- define "understudy.guardWorkloadsBinding" -}}
policyName: {{ include "understudy.guardName" . }}
matchResources:
  matchPolicy: Equivalent
  namespaceSelector: {}
  objectSelector: {}
  resourceRules:
  - apiGroups: [apps]
    apiVersions: [v1]
    operations: [CREATE, UPDATE]
    resources: [deployments, deployments/scale, replicasets, replicasets/scale]
    scope: Namespaced
validationActions: [Deny, Audit]
{{- end -}}

{{/*
Names: nobody takes the place of an object that the operator owns, and no EndpointSlice without our labels belongs to our
Service. The API server evaluates this policy once for each ModelDeployment of the namespace.

failurePolicy: Ignore, because without the CRD, which has a chart of its own, the API server fails to find what `params`
are. That must not stop every Service and ConfigMap of the cluster. The operator reports an object in its place.
*/}}
{{- define "understudy.guardNamesPolicy" -}}
failurePolicy: Ignore
paramKind: {apiVersion: understudy.dev/v1alpha1, kind: ModelDeployment}
matchConstraints:
  matchPolicy: Equivalent
  namespaceSelector: {{- include "understudy.watchedNamespaces" . | nindent 4 }}
  # The guard of labels judges the others.
  objectSelector:
    matchExpressions:
    - {key: understudy.dev/deployment, operator: DoesNotExist}
  resourceRules:
  - apiGroups: [""]
    apiVersions: [v1]
    operations: [CREATE]
    resources: [services, configmaps, endpoints]
    scope: Namespaced
  - apiGroups: [apps]
    apiVersions: [v1]
    operations: [CREATE]
    resources: [deployments]
    scope: Namespaced
  - apiGroups: [policy]
    apiVersions: [v1]
    operations: [CREATE]
    resources: [poddisruptionbudgets]
    scope: Namespaced
  - apiGroups: [discovery.k8s.io]
    apiVersions: [v1]
    operations: [CREATE, UPDATE]
    resources: [endpointslices]
    scope: Namespaced
# All of a policy is evaluated for each model, but these expressions cost a tenth of a validation with its variables.
matchConditions:
- name: others
  expression: >-
    !(request.userInfo.username.startsWith('system:serviceaccount:kube-system:')
    || request.userInfo.username in ['{{ include "understudy.operatorUser" . }}', 'system:kube-controller-manager', 'system:apiserver'])
- name: name-is-taken
  expression: >-
    (request.resource.resource == 'endpointslices' ? object.metadata.?labels[?'kubernetes.io/service-name'].orValue('')
    : request.resource.resource in ['services', 'endpoints'] ? object.metadata.?name.orValue('') : '') == params.metadata.name
    || params.?status.?objects.orValue([]).exists(o,
    o.name == (request.resource.resource == 'endpointslices' ? object.metadata.?labels[?'kubernetes.io/service-name'].orValue('') : object.metadata.?name.orValue(''))
    && o.kind == (request.resource.resource in ['services', 'endpoints', 'endpointslices'] ? 'Service' : request.kind.kind))
variables:
{{ include "understudy.guardWriters" . }}
validations:
- expression: variables.isListed
  messageExpression: >-
    variables.me + ' may not create the '
    + (request.resource.resource == 'endpointslices' ? 'EndpointSlice of the Service ' + object.metadata.labels['kubernetes.io/service-name'] : request.kind.kind + ' ' + object.metadata.name)
    + ': the name belongs to ModelDeployment ' + params.metadata.name + ', whose objects only the operator of Understudy creates.'
    + ' Choose another name. If the platform needs this writer, add the name to guard.writers of the chart'
  reason: Forbidden
{{- end -}}

{{- define "understudy.guardNamesBinding" -}}
policyName: {{ include "understudy.guardNamesName" . }}
paramRef:
  selector: {}
  parameterNotFoundAction: Allow
validationActions: [Deny, Audit]
{{- end -}}

{{/* Who writes: variables of both policies. */}}
{{- define "understudy.guardWriters" -}}
- name: me
  expression: request.userInfo.username
- name: isOperator
  expression: variables.me == '{{ include "understudy.operatorUser" . }}'
- name: isListed
  expression: >-
    variables.me in {{ toJson .Values.guard.writers }} || request.userInfo.?groups.orValue([]).exists(g, g in {{ toJson .Values.guard.writers }})
- name: isKubernetes
  expression: >-
    variables.me.startsWith('system:serviceaccount:kube-system:')
    || variables.me in ['system:kube-controller-manager', 'system:kube-scheduler', 'system:cloud-controller-manager', 'system:apiserver']
{{- end -}}

{{/* All objects of the guard: kind, name and spec of each. */}}
{{- define "understudy.guard" -}}
{{- $policy := "ValidatingAdmissionPolicy" }}
{{- $binding := "ValidatingAdmissionPolicyBinding" }}
- kind: {{ $policy }}
  name: {{ include "understudy.guardName" . }}
  spec: {{- include "understudy.guardPolicy" . | nindent 4 }}
- kind: {{ $binding }}
  name: {{ include "understudy.guardName" . }}
  spec: {{- include "understudy.guardBinding" . | nindent 4 }}
- kind: {{ $binding }}
  name: {{ include "understudy.guardWorkloadsName" . }}
  spec: {{- include "understudy.guardWorkloadsBinding" . | nindent 4 }}
- kind: {{ $policy }}
  name: {{ include "understudy.guardNamesName" . }}
  spec: {{- include "understudy.guardNamesPolicy" . | nindent 4 }}
- kind: {{ $binding }}
  name: {{ include "understudy.guardNamesName" . }}
  spec: {{- include "understudy.guardNamesBinding" . | nindent 4 }}
{{- end -}}
