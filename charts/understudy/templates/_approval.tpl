{{/*
The four-eyes rule, which the API server enforces. This template renders the installed policy and its copy in the
ConfigMap, which the operator compares with the live policy. So the two cannot differ. API defaults are written out for
the same reason.

In this order: who writes, what the write changes, which act that is, what the act must fulfil.
An act is a change of one group of annotations, or of spec.stage. Removing a whole group is not an act, but takes one back
if the operator has not recorded it yet. The annotation understudy.dev/reason is the comment on the act whose write changes it.
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
  expression: {{ include "understudy.identity" . | quote }}
- name: isRobot
  expression: variables.me.startsWith('system:serviceaccount:')
- name: isOperator
  expression: request.userInfo.username == '{{ include "understudy.operatorUser" . }}'
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
  expression: "['understudy.dev/reject', 'understudy.dev/rejected-by']"
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
    && (object.spec.?approval != oldObject.spec.?approval || object.spec.?access != oldObject.spec.?access
    || object.spec.?recording != oldObject.spec.?recording)
- name: decides
  expression: variables.approves || variables.rejects
- name: decisionKeys
  expression: "variables.approves ? variables.approvalKeys : variables.rejectionKeys"
- name: decision
  expression: "variables.approves ? 'approval' : 'rejection'"
- name: comments
  expression: "'understudy.dev/reason' in variables.changed"
# Acts that the operator has not recorded yet, and their authors.
- name: approvers
  expression: variables.transition.?approvals.orValue([]).map(a, a.by)
- name: approvalAwaits
  expression: >-
    variables.pending && variables.before[?'understudy.dev/approve'].orValue('') == variables.transition.id
    && !(variables.before[?'understudy.dev/approved-by'].orValue('') in variables.approvers)
- name: rejectionAwaits
  expression: variables.pending && variables.before[?'understudy.dev/reject'].orValue('') == variables.transition.id
- name: rollbackAwaits
  expression: >-
    variables.before[?'understudy.dev/rollback'].orValue('') != ''
    && (oldObject.?status.?rollback.?request.orValue('') != variables.before['understudy.dev/rollback']
    || oldObject.?status.?rollback.?result.orValue('') == 'Pending')
- name: takesBackApproval
  expression: >-
    variables.onVersion && variables.approvalAwaits && !variables.approves
    && variables.changed.exists(k, k in variables.approvalKeys || (k == 'understudy.dev/reason' && !variables.requests))
- name: takesBackRejection
  expression: >-
    variables.onVersion && variables.rejectionAwaits && !variables.rejects
    && variables.changed.exists(k, k in variables.rejectionKeys || (k == 'understudy.dev/reason' && !variables.requests))
- name: takesBackRollback
  expression: >-
    variables.onDeployment && variables.rollbackAwaits && !variables.rollsBack
    && variables.changed.exists(k, k in variables.rollbackKeys || k == 'understudy.dev/reason')
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
- name: grantsBefore
  expression: variables.transition.?approvals.orValue([])
- name: grants
  expression: >-
    !variables.onRecord || !has(object.status.transition) || object.status.transition.id != variables.transition.?id.orValue('')
    ? [] : object.status.transition.?approvals.orValue([])
# The approver whom the annotations prove for the open request: only this person can have written both.
- name: proven
  expression: >-
    variables.before[?'understudy.dev/approve'].orValue('') == variables.transition.?id.orValue('-')
    ? variables.before[?'understudy.dev/approved-by'].orValue('') : ''
# Secrets and claims that a write names for the first time.
- name: sinkBefore
  expression: "!variables.onDeployment || oldObject == null ? {} : oldObject.spec.?recording.?sink.orValue({})"
- name: sinkAfter
  expression: "!variables.onDeployment ? {} : object.spec.?recording.?sink.orValue({})"
{{- range $file := list "artifact" "baseline" "examples" }}
- name: {{ $file }}Secret
  expression: "!variables.onVersion || oldObject != null ? '' : object.spec.?{{ $file }}.?secretRef.?name.orValue('')"
- name: {{ $file }}Claim
  expression: >-
    !variables.onVersion || oldObject != null || !object.spec.?{{ $file }}.?uri.orValue('').startsWith('pvc://')
    ? '' : object.spec.{{ $file }}.uri.substring(6).split('/')[0]
{{- end }}
- name: graphs
  expression: "!variables.onVersion || oldObject != null ? [] : object.spec.?preprocessing.orValue([])"
{{- range $number := until 4 }}
- name: preprocessing{{ $number }}Secret
  expression: "variables.graphs.size() <= {{ $number }} ? '' : variables.graphs[{{ $number }}].?secretRef.?name.orValue('')"
- name: preprocessing{{ $number }}Claim
  expression: >-
    variables.graphs.size() <= {{ $number }} || !variables.graphs[{{ $number }}].uri.startsWith('pvc://')
    ? '' : variables.graphs[{{ $number }}].uri.substring(6).split('/')[0]
{{- end }}
- name: sinkSecret
  expression: "variables.sinkAfter == variables.sinkBefore ? '' : variables.sinkAfter.?secretRef.?name.orValue('')"
- name: sinkClaim
  expression: >-
    variables.sinkAfter == variables.sinkBefore || !variables.sinkAfter.?uri.orValue('').startsWith('pvc://')
    ? '' : variables.sinkAfter.uri.substring(6).split('/')[0]
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
    variables.newApprovals.all(h, h.?decidedBy.orValue('') != h.?requestedBy.orValue('')
    && h.?approvals.orValue([]).all(a, a.by != h.?requestedBy.orValue('')))
  message: "four eyes: an approval by its own requester cannot be recorded"
  reason: Forbidden
# An approval is recorded only if its annotation exists. Only its author can write it.
- expression: >-
    variables.grants.all(g, g in variables.grantsBefore
    || (variables.pending && g.by == variables.proven && g.by != variables.transition.requestedBy && !(g.by in variables.approvers)))
    && (!variables.onRecord || !has(object.status.transition) || object.status.transition.id == variables.transition.?id.orValue('')
    || !(has(object.status.transition.approvals) || has(object.status.transition.approval)))
  message: an approval that nobody gave cannot be recorded
  reason: Forbidden
- expression: "!variables.onRecord || object.?status.?transition.?id.orValue('') != variables.transition.?id.orValue('') || variables.grantsBefore.all(g, g in variables.grants)"
  message: a recorded approval cannot be removed
  reason: Forbidden
- expression: >-
    !has(variables.granted.by) || has(variables.transition.approval)
    || (variables.grants.exists(g, g.by == variables.granted.by) && variables.grants.size() >= object.status.transition.?approvers.orValue(1))
  message: a request cannot be recorded as approved by fewer people than it needs
  reason: Forbidden
- expression: >-
    variables.newApprovals.all(h, h.id == variables.transition.?id.orValue('')
    && h.?decidedBy.orValue('') == variables.proven && h.?requestedBy.orValue('') == variables.transition.requestedBy
    && variables.grantsBefore.all(g, g in h.?approvals.orValue([]))
    && h.?approvals.orValue([]).all(a, a in variables.grantsBefore || (variables.pending && a.by == variables.proven)))
  message: an approval that nobody gave cannot be recorded
  reason: Forbidden
# The requester's number of approvers can only rise. A service account's request needs one more.
- expression: >-
    variables.newApprovals.all(h, h.?approvals.orValue([]).size() >= variables.transition.?approvers.orValue(1)
    && h.?approvals.orValue([]).size() >= {{ .Values.approval.minimums.approvers }} + (h.?requestedBy.orValue('').startsWith('system:serviceaccount:') ? 1 : 0))
  message: a request cannot be recorded as approved by fewer people than it needs
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
- expression: "!variables.comments || variables.after[?'understudy.dev/reason'].orValue('').size() <= 1024"
  messageExpression: "'understudy.dev/reason has ' + string(variables.after['understudy.dev/reason'].size()) + ' characters, at most 1024 are allowed: shorten it, and link to the rest'"
  reason: Invalid
- expression: "!variables.accepts || variables.after[?'understudy.dev/feedback'].orValue('').size() <= 4096"
  messageExpression: "'understudy.dev/feedback has ' + string(variables.after['understudy.dev/feedback'].size()) + ' characters, at most 4096 are allowed: shorten it, and link to the rest'"
  reason: Invalid
- expression: "!variables.rollsBack || variables.after[?'understudy.dev/rollback'].orValue('').size() <= 256"
  messageExpression: "'understudy.dev/rollback has ' + string(variables.after['understudy.dev/rollback'].size()) + ' characters, at most 256 are allowed: <version>#<new suffix>'"
  reason: Invalid
# Comments.
- expression: >-
    !variables.comments || !('understudy.dev/reason' in variables.after)
    || variables.requests || variables.decides || variables.rollsBack
    || (variables.approvalAwaits && variables.before[?'understudy.dev/approved-by'].orValue('') == variables.me)
    || (variables.rejectionAwaits && variables.before[?'understudy.dev/rejected-by'].orValue('') == variables.me)
    || (variables.rollbackAwaits && variables.before[?'understudy.dev/rollback-by'].orValue('') == variables.me)
  message: "understudy.dev/reason is the comment of an act: it changes only in a write that requests a stage, approves, rejects or rolls back"
  reason: Forbidden
{{- if .Values.approval.reasonRequired }}
- expression: >-
    !((variables.requests && variables.stageAfter != variables.stageNow) || variables.decides || variables.rollsBack)
    || (variables.comments && variables.after[?'understudy.dev/reason'].orValue('').trim() != '')
  message: "this cluster requires a comment: set the annotation understudy.dev/reason in the same write, with a text that differs from the comment of the act before"
  reason: Invalid
{{- end }}
# Taking back what is not recorded yet.
- expression: >-
    !variables.takesBackApproval || variables.before[?'understudy.dev/approved-by'].orValue('') == variables.me
    || authorizer.group('understudy.dev').resource('stages').namespace(request.namespace).name(variables.decidedStage.lowerAscii()).check('approve').allowed()
  messageExpression: "variables.me + ' may not take back the approval of ' + variables.before[?'understudy.dev/approved-by'].orValue('') + ': only its author, or a person who may decide on this stage'"
  reason: Forbidden
- expression: >-
    !variables.takesBackRejection || variables.before[?'understudy.dev/rejected-by'].orValue('') == variables.me
    || authorizer.group('understudy.dev').resource('stages').namespace(request.namespace).name(variables.decidedStage.lowerAscii()).check('approve').allowed()
  messageExpression: "variables.me + ' may not take back the rejection of ' + variables.before[?'understudy.dev/rejected-by'].orValue('') + ': only its author, or a person who may decide on this stage'"
  reason: Forbidden
- expression: >-
    !variables.takesBackRollback || variables.before[?'understudy.dev/rollback-by'].orValue('') == variables.me
    || authorizer.group('understudy.dev').resource('modeldeployments').namespace(request.namespace).name(request.name).check('rollback').allowed()
  messageExpression: "variables.me + ' may not take back the rollback of ' + variables.before[?'understudy.dev/rollback-by'].orValue('') + ': only its author, or a person who may roll back'"
  reason: Forbidden
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
    && variables.changed.all(k, k in variables.decisionKeys || k == 'understudy.dev/reason'))
  messageExpression: "'one write decides or edits, never both: this ' + variables.decision + ' changes something else'"
  reason: Forbidden
- expression: "!variables.decides || variables.after[?variables.decisionKeys[1]].orValue('') == variables.me"
  messageExpression: "'this ' + variables.decision + ' must carry the annotation ' + variables.decisionKeys[1] + ': ' + variables.me"
  reason: Forbidden
{{- if not .Values.approval.allowServiceAccounts }}
- expression: "!variables.decides || !variables.isRobot"
  message: service accounts may neither approve nor reject
  reason: Forbidden
{{- end }}
# The user name is compared as well: a request may be older than a change of approval.identityExpression.
- expression: "!variables.approves || !(variables.transition.?requestedBy.orValue('') in [variables.me, request.userInfo.username])"
  messageExpression: "'four eyes: ' + variables.me + ' requested this transition, somebody else must approve it'"
  reason: Forbidden
- expression: "!variables.approves || !(variables.me in variables.approvers)"
  messageExpression: "variables.me + ' has approved this transition, and nobody counts twice: somebody else must approve it'"
  reason: Forbidden
- expression: "!variables.approves || !variables.approvalAwaits || variables.before[?'understudy.dev/approved-by'].orValue('') in ['', variables.me]"
  messageExpression: "'the approval of ' + variables.before[?'understudy.dev/approved-by'].orValue('') + ' is not recorded yet: approve again once status.transition shows it, or take it back first'"
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
    variables.resource != 'modelversions' || request.operation != 'DELETE'
    || (variables.stageNow != 'Production' && !has(variables.transition.approval))
    || has(namespaceObject.metadata.deletionTimestamp)
    || authorizer.group('understudy.dev').resource('modelversions').namespace(request.namespace).name(oldObject.metadata.name).check('delete-production').allowed()
  messageExpression: >-
    oldObject.metadata.name + (variables.stageNow == 'Production' ? ' is in Production: move it out first'
    : ' is approved for ' + variables.decidedStage + ' and rolls out: withdraw the request first') + ', or have the verb delete-production on modelversions'
  reason: Forbidden
- expression: >-
    variables.resource != 'modeldeployments' || request.operation != 'DELETE' || !has(variables.mainNow.version)
    || has(namespaceObject.metadata.deletionTimestamp)
    || authorizer.group('understudy.dev').resource('modeldeployments').namespace(request.namespace).name(oldObject.metadata.name).check('delete-production').allowed()
  messageExpression: "'callers of ' + oldObject.metadata.name + ' are answered by ' + variables.mainNow.version + ', and deleting it ends that: move this version out of Production first, or have the verb delete-production on modeldeployments'"
  reason: Forbidden
# Secrets and claims. Each check has an expression of its own: the API server limits what one may cost.
{{- $paths := dict "artifact" "spec.artifact" "baseline" "spec.baseline" "examples" "spec.examples" "sink" "spec.recording.sink" }}
{{- range $number := until 4 }}{{ $_ := set $paths (printf "preprocessing%d" $number) (printf "spec.preprocessing[%d]" $number) }}{{ end }}
{{- range $field, $path := $paths }}
{{- range $kind, $of := dict "Secret" (list "secrets" (printf "%s.secretRef" $path)) "Claim" (list "persistentvolumeclaims" (printf "%s.uri" $path)) }}
- expression: >-
    variables.{{ $field }}{{ $kind }} == ''
    {{- if hasPrefix "preprocessing" $field }} || variables.{{ $field }}{{ $kind }} == variables.artifact{{ $kind }}{{ end }}
    || authorizer.group('').resource('{{ index $of 0 }}').namespace(request.namespace).name(variables.{{ $field }}{{ $kind }}).check('get').allowed()
    || authorizer.group('').resource('{{ index $of 0 }}').namespace(request.namespace).name(variables.{{ $field }}{{ $kind }}).check('use').allowed()
  messageExpression: "variables.me + ' may not use ' + variables.{{ $field }}{{ $kind }} + ', which {{ index $of 1 }} names (needs the verb get or use on {{ index $of 0 }}/' + variables.{{ $field }}{{ $kind }} + ')'"
  reason: Forbidden
{{- end }}
{{- end }}
# ModelDeployments: rules and rollback.
- expression: "!variables.governs || authorizer.group('understudy.dev').resource('modeldeployments').namespace(request.namespace).name(request.name).check('govern').allowed()"
  messageExpression: "variables.me + ' may not change spec.approval, spec.access or spec.recording (needs the verb govern on modeldeployments)'"
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

{{/*
CEL: the person who writes, by approval.identityExpression over `username`, `uid`, `groups` and `extra` of their account. A
service account is always itself: its requests need one approver more.
*/}}
{{- define "understudy.identity" -}}
request.userInfo.username.startsWith('system:serviceaccount:') ? request.userInfo.username
{{- " " }}: [request.userInfo.username].map(username, [request.userInfo.?uid.orValue('')].map(uid, [request.userInfo.?groups.orValue([])].map(groups, [request.userInfo.?extra.orValue({})].map(extra,
{{- " " }}{{ .Values.approval.identityExpression }})[0])[0])[0])[0]
{{- end -}}

{{- define "understudy.approvalBinding" -}}
policyName: {{ include "understudy.approvalName" . }}
validationActions: [Deny, Audit]
{{- end -}}
