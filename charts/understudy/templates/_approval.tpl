{{/*
The four-eyes rule, which the API server enforces. This template renders the installed policy and its copy in the
ConfigMap, which the operator compares with the live policy. So the two cannot differ. API defaults are written out for
the same reason.

In this order: who writes, what the write changes, which act that is, what the act must fulfil.
An act is a change of one group of annotations, or of spec.stage. Removing a whole group is not an act.
People see the message of the first validation that fails.
*/}}
{{- define "understudy.approvalPolicy" -}}
failurePolicy: Fail
matchConstraints:
  matchPolicy: Equivalent
  {{- if .Values.watchNamespaces }}
  namespaceSelector:
    matchExpressions:
    - key: kubernetes.io/metadata.name
      operator: In
      values: {{ toJson .Values.watchNamespaces }}
  {{- else }}
  namespaceSelector: {}
  {{- end }}
  objectSelector: {}
  resourceRules:
  - apiGroups: [understudy.dev]
    apiVersions: ["*"]
    operations: [CREATE, UPDATE, DELETE]
    resources: [modelversions, modelversions/status, modeldeployments, modeldeployments/status]
    scope: "*"
  - apiGroups: [""]
    apiVersions: [v1]
    operations: [CREATE, UPDATE]
    resources: [services]
    scope: "*"
# Of the Services, only those writes that set the annotation. All others pass after this one expression.
matchConditions:
- name: models-and-switches
  expression: >-
    request.resource.resource != 'services'
    || (object.metadata.?annotations[?'understudy.dev/transition'].hasValue()
    && (oldObject == null || object.metadata.annotations['understudy.dev/transition'] != oldObject.metadata.?annotations[?'understudy.dev/transition'].orValue('')))
variables:
# Who writes.
- name: me
  expression: request.userInfo.username
- name: isOperator
  expression: variables.me == '{{ include "understudy.operatorUser" . }}'
- name: resource
  expression: "request.resource.resource + (has(request.subResource) && request.subResource != '' ? '/' + request.subResource : '')"
- name: onVersion
  expression: variables.resource == 'modelversions' && object != null
- name: onDeployment
  expression: variables.resource == 'modeldeployments' && object != null
# What the write changes.
- name: before
  expression: "oldObject == null ? {} : oldObject.metadata.?annotations.orValue({})"
- name: after
  expression: "object == null ? {} : object.metadata.?annotations.orValue({})"
- name: changed
  expression: >-
    (variables.before.map(k, k) + variables.after.map(k, k))
    .filter(k, k.startsWith('understudy.dev/') && variables.before[?k] != variables.after[?k])
- name: stageBefore
  expression: "oldObject == null ? 'None' : oldObject.spec.?stage.orValue('None')"
- name: stageAfter
  expression: "object == null ? variables.stageBefore : object.spec.?stage.orValue('None')"
- name: stageNow
  expression: "oldObject == null ? 'None' : oldObject.?status.?stage.orValue('None')"
- name: mainNow
  expression: "oldObject == null ? {} : oldObject.?status.?main.orValue({})"
- name: transition
  expression: "oldObject == null ? {} : oldObject.?status.?transition.orValue({})"
- name: pending
  expression: "has(variables.transition.id) && !has(variables.transition.approval)"
# Which act it is.
- name: requests
  expression: variables.onVersion && variables.stageAfter != variables.stageBefore
- name: approvalKeys
  expression: "['understudy.dev/approve', 'understudy.dev/approved-by']"
- name: approves
  expression: variables.onVersion && variables.changed.exists(k, k in variables.approvalKeys) && variables.approvalKeys.exists(k, k in variables.after)
- name: rejectionKeys
  expression: "['understudy.dev/reject', 'understudy.dev/rejected-by', 'understudy.dev/reason']"
- name: rejects
  expression: variables.onVersion && variables.changed.exists(k, k in variables.rejectionKeys) && variables.rejectionKeys.exists(k, k in variables.after)
- name: acceptanceKeys
  expression: "['understudy.dev/accept', 'understudy.dev/accepted-by', 'understudy.dev/feedback']"
- name: accepts
  expression: variables.onVersion && variables.changed.exists(k, k in variables.acceptanceKeys) && variables.acceptanceKeys.exists(k, k in variables.after)
- name: rollbackKeys
  expression: "['understudy.dev/rollback', 'understudy.dev/rollback-by']"
- name: rollsBack
  expression: variables.onDeployment && variables.changed.exists(k, k in variables.rollbackKeys) && variables.rollbackKeys.exists(k, k in variables.after)
- name: governs
  expression: >-
    variables.onDeployment && oldObject != null
    && (object.spec.?approval != oldObject.spec.?approval || object.spec.?access != oldObject.spec.?access)
- name: decides
  expression: variables.approves || variables.rejects
- name: decisionKeys
  expression: "variables.approves ? variables.approvalKeys : variables.rejectionKeys"
- name: decision
  expression: "variables.approves ? 'approval' : 'rejection'"
# Withdrawing requests no new stage: the right to request a stage includes the right to withdraw. None is never requested.
- name: requestedStage
  expression: "variables.stageAfter == variables.stageNow && variables.stageBefore != 'None' ? variables.stageBefore : variables.stageAfter"
- name: decidedStage
  expression: variables.transition.?to.orValue('')
# What the operator records.
- name: onRecord
  expression: variables.resource == 'modelversions/status' && object != null
- name: recordedBefore
  expression: "!variables.onRecord || oldObject == null ? [] : oldObject.?status.?history.orValue([])"
- name: recorded
  expression: "!variables.onRecord ? [] : object.?status.?history.orValue([])"
- name: idsBefore
  expression: variables.recordedBefore.map(h, h.id)
- name: newApprovals
  expression: "variables.recorded.filter(h, h.?decision.orValue('') == 'Approved' && !(h.id in variables.idsBefore))"
- name: granted
  expression: "!variables.onRecord ? {} : object.?status.?transition.?approval.orValue({})"
validations:
# The operator, the status, and the proof of a switch: what made a version main. The operator records main by this proof.
- expression: "!variables.resource.endsWith('/status') || variables.isOperator"
  message: only the operator writes the status
  reason: Forbidden
- expression: "variables.resource != 'services' || variables.isOperator"
  message: "only the operator writes the annotation understudy.dev/transition of a Service: it records that callers were switched"
  reason: Forbidden
- expression: "!variables.isOperator || variables.resource.endsWith('/status') || variables.resource == 'services'"
  message: "the operator writes the status only: it neither requests, approves, rejects, accepts nor rolls back"
  reason: Forbidden
# The operator's probe writes such a record as a dry run, to check that this policy is in force.
- expression: >-
    variables.newApprovals.all(h,
    {{ include "understudy.identity" (dict "root" . "of" "h.?decidedBy.orValue('')") }} != {{ include "understudy.identity" (dict "root" . "of" "h.?requestedBy.orValue('')") }})
  message: "four eyes: an approval by its own requester cannot be recorded"
  reason: Forbidden
# An approval is recorded only if this annotation exists. Only its author can write it.
- expression: >-
    !has(variables.granted.by) || has(variables.transition.approval)
    || (variables.before[?'understudy.dev/approve'].orValue('') == object.status.transition.id
    && variables.before[?'understudy.dev/approved-by'].orValue('') == variables.granted.by
    && variables.transition.?id.orValue('') == object.status.transition.id)
  message: an approval that nobody gave cannot be recorded
  reason: Forbidden
- expression: >-
    variables.newApprovals.all(h,
    (has(variables.transition.approval) && variables.transition.id == h.id && variables.transition.approval.by == h.decidedBy)
    || (variables.before[?'understudy.dev/approve'].orValue('') == h.id && variables.before[?'understudy.dev/approved-by'].orValue('') == h.decidedBy))
  message: an approval that nobody gave cannot be recorded
  reason: Forbidden
# `in` compares outside of the interpreter: with `exists`, a long history made each write of a status slow.
- expression: variables.recordedBefore.all(h, h in variables.recorded)
  message: the history only grows
  reason: Forbidden
# One write, one act.
- expression: "[variables.requests, variables.approves, variables.rejects, variables.accepts].filter(act, act).size() <= 1"
  message: "one write does one thing: request, approve, reject or accept"
  reason: Forbidden
# The record keeps names and texts whole, so they must fit into it.
- expression: "!(variables.requests || variables.decides || variables.accepts || variables.rollsBack) || variables.me.size() <= 256"
  messageExpression: "'your user name has ' + string(variables.me.size()) + ' characters, and the record of an act keeps at most 256: act with an account that has a shorter name'"
  reason: Invalid
- expression: "!variables.rejects || variables.after[?'understudy.dev/reason'].orValue('').size() <= 1024"
  messageExpression: "'understudy.dev/reason has ' + string(variables.after['understudy.dev/reason'].size()) + ' characters, at most 1024 are allowed: shorten it, and link to the rest'"
  reason: Invalid
- expression: "!variables.accepts || variables.after[?'understudy.dev/feedback'].orValue('').size() <= 4096"
  messageExpression: "'understudy.dev/feedback has ' + string(variables.after['understudy.dev/feedback'].size()) + ' characters, at most 4096 are allowed: shorten it, and link to the rest'"
  reason: Invalid
- expression: "!variables.rollsBack || variables.after[?'understudy.dev/rollback'].orValue('').size() <= 256"
  messageExpression: "'understudy.dev/rollback has ' + string(variables.after['understudy.dev/rollback'].size()) + ' characters, at most 256 are allowed: <version>#<new suffix>'"
  reason: Invalid
# Request.
- expression: "!variables.onVersion || oldObject != null || variables.stageAfter in ['None', 'Staging']"
  messageExpression: "'a new ModelVersion starts in None or requests Staging; ' + variables.stageAfter + ' can be requested after that'"
  reason: Forbidden
- expression: "!variables.requests || variables.after[?'understudy.dev/requested-by'].orValue('') == variables.me"
  messageExpression: "'a change of spec.stage must carry the annotation understudy.dev/requested-by: ' + variables.me"
  reason: Forbidden
- expression: >-
    !variables.onVersion || variables.requests || !('understudy.dev/requested-by' in variables.changed)
    || (oldObject == null && variables.after['understudy.dev/requested-by'] == variables.me)
  message: "understudy.dev/requested-by changes only together with spec.stage, and names the person who changes it"
  reason: Forbidden
- expression: "!variables.requests || authorizer.group('understudy.dev').resource('stages').namespace(request.namespace).name(variables.requestedStage.lowerAscii()).check('request').allowed()"
  messageExpression: "variables.me + ' may not request the stage ' + variables.requestedStage + ' (needs the verb request on stages/' + variables.requestedStage.lowerAscii() + ')'"
  reason: Forbidden
# Approve and reject.
- expression: >-
    !variables.decides
    || (variables.pending
    && variables.after[?variables.decisionKeys[0]].orValue('') == variables.transition.id
    && int(variables.transition.?generation.orValue(-1)) == oldObject.metadata.generation)
  messageExpression: "'this ' + variables.decision + ' matches no pending transition: ' + variables.decisionKeys[0] + ' must be the id that status.transition shows now; to take a decision back, remove all its annotations'"
  reason: Forbidden
- expression: >-
    !variables.decides || oldObject == null
    || (object.spec == oldObject.spec
    && object.metadata.?labels == oldObject.metadata.?labels
    && object.metadata.?finalizers == oldObject.metadata.?finalizers
    && object.metadata.?ownerReferences == oldObject.metadata.?ownerReferences
    && variables.changed.all(k, k in variables.decisionKeys))
  messageExpression: "'one write decides or edits, never both: this ' + variables.decision + ' changes something else'"
  reason: Forbidden
- expression: "!variables.decides || variables.after[?variables.decisionKeys[1]].orValue('') == variables.me"
  messageExpression: "'this ' + variables.decision + ' must carry the annotation ' + variables.decisionKeys[1] + ': ' + variables.me"
  reason: Forbidden
{{- if not .Values.approval.allowServiceAccounts }}
- expression: "!variables.decides || !variables.me.startsWith('system:serviceaccount:')"
  message: service accounts may neither approve nor reject
  reason: Forbidden
{{- end }}
- expression: >-
    !variables.approves
    || {{ include "understudy.identity" (dict "root" . "of" "variables.transition.?requestedBy.orValue('')") }} != {{ include "understudy.identity" (dict "root" . "of" "variables.me") }}
  messageExpression: "'four eyes: ' + variables.me + ' requested this transition, somebody else must approve it'"
  reason: Forbidden
- expression: "!variables.decides || authorizer.group('understudy.dev').resource('stages').namespace(request.namespace).name(variables.decidedStage.lowerAscii()).check('approve').allowed()"
  messageExpression: "variables.me + ' may not decide on the stage ' + variables.decidedStage + ' (needs the verb approve on stages/' + variables.decidedStage.lowerAscii() + ')'"
  reason: Forbidden
# Accept.
- expression: "!variables.accepts || variables.after[?'understudy.dev/accept'].orValue('') in ['passed', 'failed']"
  message: "understudy.dev/accept is passed or failed; to take a verdict back, remove all its annotations"
  reason: Invalid
- expression: "!variables.accepts || variables.stageNow == 'Staging'"
  messageExpression: "'a verdict is given on a version in Staging, this one is in ' + variables.stageNow"
  reason: Forbidden
- expression: "!variables.accepts || variables.after[?'understudy.dev/accepted-by'].orValue('') == variables.me"
  messageExpression: "'a verdict must carry the annotation understudy.dev/accepted-by: ' + variables.me"
  reason: Forbidden
- expression: "!variables.accepts || authorizer.group('understudy.dev').resource('stages').namespace(request.namespace).name('staging').check('test').allowed()"
  messageExpression: "variables.me + ' may not give a verdict (needs the verb test on stages/staging)'"
  reason: Forbidden
# Delete. If the namespace is being deleted, its models are deleted with it.
- expression: >-
    variables.resource != 'modelversions' || request.operation != 'DELETE' || variables.stageNow != 'Production'
    || has(namespaceObject.metadata.deletionTimestamp)
    || authorizer.group('understudy.dev').resource('modelversions').namespace(request.namespace).name(oldObject.metadata.name).check('delete-production').allowed()
  messageExpression: "oldObject.metadata.name + ' is in Production: move it out first, or have the verb delete-production on modelversions'"
  reason: Forbidden
- expression: >-
    variables.resource != 'modeldeployments' || request.operation != 'DELETE' || !has(variables.mainNow.version)
    || has(namespaceObject.metadata.deletionTimestamp)
    || authorizer.group('understudy.dev').resource('modeldeployments').namespace(request.namespace).name(oldObject.metadata.name).check('delete-production').allowed()
  messageExpression: "'callers of ' + oldObject.metadata.name + ' are answered by ' + variables.mainNow.version + ', and deleting it ends that: move this version out of Production first, or have the verb delete-production on modeldeployments'"
  reason: Forbidden
# ModelDeployments: rules and rollback.
- expression: "!variables.governs || authorizer.group('understudy.dev').resource('modeldeployments').namespace(request.namespace).name(request.name).check('govern').allowed()"
  messageExpression: "variables.me + ' may not change spec.approval or spec.access (needs the verb govern on modeldeployments)'"
  reason: Forbidden
{{- if eq .Values.approval.minimums.acceptanceTest "Required" }}
- expression: >-
    !variables.onDeployment || (oldObject != null && object.spec.?approval == oldObject.spec.?approval)
    || object.spec.?approval.?acceptanceTest.orValue('Required') == 'Required'
  message: "this cluster requires the acceptance test: spec.approval.acceptanceTest must be Required"
  reason: Forbidden
{{- end }}
- expression: "!variables.rollsBack || (variables.after[?'understudy.dev/rollback'].orValue('') != '' && variables.after[?'understudy.dev/rollback-by'].orValue('') == variables.me)"
  messageExpression: "'a rollback consists of the annotations understudy.dev/rollback: <version>#<new suffix> and understudy.dev/rollback-by: ' + variables.me"
  reason: Forbidden
- expression: "!variables.rollsBack || authorizer.group('understudy.dev').resource('modeldeployments').namespace(request.namespace).name(object.metadata.?name.orValue('')).check('rollback').allowed()"
  messageExpression: "variables.me + ' may not roll back (needs the verb rollback on modeldeployments)'"
  reason: Forbidden
{{- end -}}

{{/* CEL: the person behind an account name, by approval.identityExpression over `username`. */}}
{{- define "understudy.identity" -}}
[{{ .of }}].map(username, {{ .root.Values.approval.identityExpression }})[0]
{{- end -}}

{{- define "understudy.approvalBinding" -}}
policyName: {{ include "understudy.approvalName" . }}
validationActions: [Deny, Audit]
{{- end -}}
