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

# --- a smoke test's things ------------------------------------------------------------------------

# Of Docker Hub; small, and of three kinds of userland.
# shellcheck disable=SC2034  # for those who source this
readonly smoke_images=(busybox:1.36 alpine:3.20 debian:12-slim)

smoke_job() { # IMAGE COMMAND -> JOB.json
  jq -n --arg image "docker://$1" --arg command "$2" '{image: $image, command: ["sh", "-c", $command]}'
}

# Plain http at registry:5000, in the present namespace.
smoke_registry() {
  cat <<'END'
apiVersion: apps/v1
kind: Deployment
metadata: {name: registry}
spec:
  selector:
    matchLabels: {app: registry}
  template:
    metadata:
      labels: {app: registry}
    spec:
      automountServiceAccountToken: false
      securityContext:
        runAsNonRoot: true
        runAsUser: 1000
        fsGroup: 1000
        seccompProfile: {type: RuntimeDefault}
      containers:
        - name: registry
          image: docker.io/library/registry:2
          ports: [{containerPort: 5000}]
          readinessProbe:
            httpGet: {path: /v2/, port: 5000}
          securityContext:
            allowPrivilegeEscalation: false
            capabilities: {drop: [ALL]}
          volumeMounts: [{name: storage, mountPath: /var/lib/registry}]
      volumes: [{name: storage, emptyDir: {}}]
---
apiVersion: v1
kind: Service
metadata: {name: registry}
spec:
  selector: {app: registry}
  ports: [{port: 5000}]
END
}

# Adds to a site what a smoke test's pilots need: the registry without TLS, small pods, one volume.
smoke_site() { # FOLDER ACCESS-MODE STORAGE-CLASS
  printf '[[registry]]\nlocation = "registry:5000"\ninsecure = true\n' >"$1/registries.conf"
  cat >>"$1/kustomization.yaml" <<END
configMapGenerator:
  - {name: podpilot-smoke, files: [registries.conf]}
patches:
  - target: {labelSelector: app.kubernetes.io/component=pilot}
    path: pilots.yaml
  - target: {kind: PersistentVolumeClaim}
    patch: |-
      - {op: replace, path: /spec/accessModes, value: [$2]}
      - {op: replace, path: /spec/resources/requests/storage, value: 1Gi}
${3:+      - {op: add, path: /spec/storageClassName, value: $3\}}
END
  cat >"$1/pilots.yaml" <<'END'
apiVersion: any
kind: any
metadata: {name: any}
spec:
  template:
    spec:
      containers:
        - name: pilot
          env:
            - {name: PODPILOT_REGISTRIES_CONF, value: /smoke/registries.conf}
            - {name: PODPILOT_DRAIN_FOR, value: 2s}
          resources:
            requests: {cpu: 100m, memory: 512Mi, ephemeral-storage: 1Gi}
            limits: {memory: 512Mi, ephemeral-storage: 4Gi}
          volumeMounts: [{name: smoke, mountPath: /smoke, readOnly: true}]
      volumes:
        - name: smoke
          configMap: {name: podpilot-smoke}
END
}
