# shellcheck shell=bash disable=SC2120,SC2154
# For the suites on an API server of their own, with the charts installed and without a node.

namespace=understudy-system
CHARTS=${CHARTS:-charts}

# on_bare_server SUITE [ARGUMENT...]: runs the suite's script again with BARE_KUBECONFIG, an administrator's on a new API
# server, which has the name of the suite or of BARE_CONTROL_PLANE. Returns if that was done.
on_bare_server() {
  [ -z "${BARE_KUBECONFIG:-}" ] || return 0
  "$here/packages" tests
  "$here/build" etcd kubernetes helm
  export BARE_CONTROL_PLANE=${BARE_CONTROL_PLANE:-$1}
  # shellcheck disable=SC2016
  exec "$here/control-plane" run "$BARE_CONTROL_PLANE" bash -c 'BARE_KUBECONFIG=$KUBECONFIG exec "$@"' - "$here/$1" "${@:2}"
}

# Builds the operator's binary, unless OPERATOR_BINARY names one. Cargo's arguments choose how.
build_operator() {
  local folder=debug
  [ -z "${OPERATOR_BINARY:-}" ] || return 0
  case " $* " in *" --release "*) folder=release ;; esac
  cargo build --locked -p understudy-operator "$@"
  export OPERATOR_BINARY=${CARGO_TARGET_DIR:-$CHECKOUT/target}/$folder/understudy-operator
}

install_crds() { helm upgrade --install understudy-crds "$CHARTS/understudy-crds" -n "$namespace" --create-namespace "$@"; }
# guarded_install_chart WRITER [ARGUMENT...]: with a writer whom the guard lets pass. A chart of an earlier release has no guard.
guarded_install_chart() {
  if grep -q '^guard:' "$CHARTS/understudy/values.yaml"; then install_chart --set "guard.writers={$1}" "${@:2}"; else install_chart "${@:2}"; fi
}
install_chart() { helm upgrade --install understudy "$CHARTS/understudy" -n "$namespace" "$@"; }

# schema CRD FIELD SCHEMA: replaces the schema of a field of the spec.
schema() {
  kubectl patch crd "$1.understudy.dev" --type=json -p "[{\"op\": \"replace\", \"value\": $3,
    \"path\": \"/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/$2\"}]"
}

# await_policies NAMESPACE: a new policy takes effect after some seconds. Until then, both of these fail.
await_policies() {
  step "the approval policy is in force" await 90 "the approval policy" enforced "$1"
  step "the stamping policy is in force" await 90 "the stamping policy" stamped "$1"
}
enforced() {
  local output
  output=$(request "understudy.dev/approve: forged" None | kubectl apply -n "$1" --dry-run=server -f - 2>&1) || true
  [[ $output == *"matches no pending transition"* ]]
}
stamped() { request "example.com/none: none" Staging | kubectl apply -n "$1" --dry-run=server -f -; }
# request ANNOTATION STAGE: prints a version with an annotation and a requested stage.
request() {
  sed "s|^metadata:|metadata:\n  annotations: {\"${1%%: *}\": \"${1##*: }\"}|; s|^spec:|spec:\n  stage: $2|" \
    samples/manifests/modelversion-1.0.0.yaml
}
