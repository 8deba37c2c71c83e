# shellcheck shell=bash
# Keys, certificates and kubeconfigs of one cluster, in one folder. The cluster and the bare control plane use them.

# make_ca DIR: creates the authority that signs everything, and the key pair for service account tokens. Python from 3.13 on wants the
# use of the authority's key, and of a certificate which key signed it.
make_ca() {
  mkdir -p "$1"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$1/ca.key" -out "$1/ca.crt" \
    -subj "/CN=understudy-local" -days 365 -addext "keyUsage=critical,keyCertSign,cRLSign" 2>/dev/null
  openssl ecparam -name prime256v1 -genkey -noout -out "$1/sa.key"
  openssl ec -in "$1/sa.key" -pubout -out "$1/sa.pub" 2>/dev/null
}

# signing_request FILE USER GROUP[,GROUP...]: creates FILE.key and FILE.csr.
signing_request() {
  local subject="" group
  local -a organisations; IFS=, read -ra organisations <<<"$3"
  for group in "${organisations[@]}"; do subject+="/O=$group"; done
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$1.key" -out "$1.csr" \
    -subj "$subject/CN=$2" 2>/dev/null
}

# certificate DIR FILE USER GROUP[,GROUP...] [ALTNAMES]: creates FILE.key and FILE.crt, signed by DIR's authority.
certificate() {
  local dir=$1 file=$1/$2
  signing_request "$file" "$3" "$4"
  openssl x509 -req -in "$file.csr" -CA "$dir/ca.crt" -CAkey "$dir/ca.key" -set_serial "0x$(openssl rand -hex 16)" \
    -out "$file.crt" -days 365 -extfile <(printf 'subjectAltName=%s\nauthorityKeyIdentifier=keyid\n' "${5:-DNS:$2}") 2>/dev/null
  rm "$file.csr"
}

# kubeconfig DIR FILE SERVER: prints the kubeconfig of the user whose certificate is FILE.
kubeconfig() {
  cat <<JSON
{"apiVersion":"v1","kind":"Config","current-context":"understudy",
 "contexts":[{"name":"understudy","context":{"cluster":"understudy","user":"$2"}}],
 "clusters":[{"name":"understudy","cluster":{"server":"$3","certificate-authority-data":"$(base64 -w0 "$1/ca.crt")"}}],
 "users":[{"name":"$2","user":{"client-certificate-data":"$(base64 -w0 "$1/$2.crt")","client-key-data":"$(base64 -w0 "$1/$2.key")"}}]}
JSON
}
