# What the steps have in common. Each of them runs by hand, too: IMAGE=... TAG=... OVERLAY=... deploy/pipeline/STEP
# shellcheck shell=bash
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
: "${IMAGE:=seaworthy}"                                       # registry/name, without a tag
: "${TAG:=$(git -C "$root" rev-parse --short=12 HEAD 2>/dev/null || echo dev)}"
: "${DIGEST:=}"                                               # sha256:..., where it is known: what is deployed is that, whatever the tag says by then
: "${OVERLAY:=minikube}"                                      # a folder of deploy/overlays
readonly NAMESPACE=seaworthy                                  # as the manifests have it
: "${TIMEOUT:=5m}"                                            # for one step in the cluster
: "${CONTAINER:=docker}"                                      # or podman
export IMAGE TAG DIGEST OVERLAY TIMEOUT CONTAINER

say() { printf '%s\n' "$*" >&2; }
die() { say "$(basename "$0"): $*"; exit 1; }
needs() { for program in "$@"; do command -v "$program" >/dev/null || die "please install $program"; done; }
kube() { kubectl --namespace "$NAMESPACE" "$@"; }

# The overlay, with the image of this release, on standard output.
manifests() {
  [ -d "$root/deploy/overlays/$OVERLAY" ] || die "there is no overlay $OVERLAY in deploy/overlays"
  local work version="newTag: \"$TAG\""
  [ -z "$DIGEST" ] || version="digest: \"$DIGEST\""
  work="$(mktemp -d)"
  cp -r "$root/deploy" "$work/deploy"
  mkdir "$work/deploy/release"
  cat > "$work/deploy/release/kustomization.yaml" <<EOF
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [../overlays/$OVERLAY]
images: [{name: seaworthy, newName: "$IMAGE", $version}]
EOF
  local done=0
  kubectl kustomize "$work/deploy/release" || done=$?
  rm -r "$work"
  return "$done"
}
