# shellcheck shell=bash disable=SC2154
# The Python package in python/: interpreters, and an environment of pinned packages for each, outside the checkout.

UV_VERSION=0.13.9
SUPPORTED=(3.10 3.11 3.12 3.13)

# uv_program: prints the path of uv, which pip installs once.
uv_program() {
  local folder
  folder=$CACHE/python/uv-$UV_VERSION-$(uname -m)
  if [ ! -d "$folder" ]; then
    python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --target "$folder.$$" "uv==$UV_VERSION" >&2
    [ -d "$folder" ] || mv "$folder.$$" "$folder"
    rm -rf "$folder.$$"
  fi
  echo "$folder/bin/uv"
}

# interpreters: prints the path of each supported Python of this machine, one a line, in the order of their versions. Those of pyenv are
# found even if they are not on the PATH.
interpreters() {
  local version path
  for version in "${SUPPORTED[@]}"; do
    path=$(command -v "python$version" || true)
    if [ -z "$path" ] || ! "$path" -c '' 2>/dev/null; then
      path=$(printf '%s\n' "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$version".*/bin/python | tail -n 1)
    fi
    if [ -x "$path" ]; then echo "$path"; fi
  done
}

# environment_of INTERPRETER LIST: prints the folder of the environment with the packages of this list.
environment_of() {
  local version
  version=$("$1" -c 'import sys; print("{}.{}.{}".format(*sys.version_info))')
  echo "$CACHE/python/understudy-$version-$(uname -m)-$(sha256sum <"$2" | cut -c1-12)"
}

# make_environment INTERPRETER LIST. The folder is complete when it has the file "complete": an environment cannot be moved.
make_environment() {
  local folder uv
  folder=$(environment_of "$1" "$2")
  [ ! -f "$folder/complete" ] || return 0
  uv=$(uv_program)
  "$uv" venv --quiet --clear --no-managed-python --python "$1" "$folder"
  "$uv" pip install --quiet --python "$folder/bin/python" --no-deps --only-binary=:all: -r "$2"
  touch "$folder/complete"
}
