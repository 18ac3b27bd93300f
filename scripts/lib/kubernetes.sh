# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# For sourcing: a site's choice among scripts/kubernetes, and what scripts/smoke-kubernetes and the tests do
# with it alike.

# A folder for kustomize. MANIFESTS is scripts/kubernetes as seen from it. Lines of stdin are added.
make_site() { # FOLDER MANIFESTS WORKLOAD SECURITY SCHEDULER [IMAGE[:TAG]] [<LINES]
  local folder=$1 image=${6:-podpilot:latest}
  mkdir -p "$folder"
  {
    cat <<END
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [$2/workload/$3]
components: [$2/security/$4, $2/scheduler/$5]
images: [{name: podpilot, newName: ${image%:*}, newTag: "${image##*:}"}]
END

  } >"$folder/kustomization.yaml"
}
