#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Every combination of scripts/kubernetes' parts is what Kubernetes' own types allow, and asks for no more
# than the Pod Security level whose name it has.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=test/kubernetes/podman.sh
. "$PODPILOT_SOURCE/test/kubernetes/podman.sh"
# shellcheck source=scripts/lib/kubernetes.sh
. "$PODPILOT_SOURCE/scripts/lib/kubernetes.sh"
start_kube_root
cp "$PODPILOT_SOURCE/test/kubernetes/check_types.py" "$tmp/"
check_types() { in_kube_root python3 /test/check_types.py "$@"; }

workloads=(job deployment indexed-job)
securities=(restricted restricted-read-only-root baseline user-namespace)
schedulers=(htcondor spool)
names=()
for workload in "${workloads[@]}"; do
  for security in "${securities[@]}"; do
    for scheduler in "${schedulers[@]}"; do
      names+=("/test/$workload+$security+$scheduler.yaml")
      make_site "$tmp/sites/$workload+$security+$scheduler" ../../../kubernetes "$workload" "$security" "$scheduler"
    done
  done
done
ln -s /kubernetes/site "$tmp/sites/site"
make_site "$tmp/sites/smoke" ../../../kubernetes deployment restricted spool registry.example/podpilot:1
smoke_site "$tmp/sites/smoke" ReadWriteMany standard
smoke_registry >"$tmp/registry.yaml"
# shellcheck disable=SC2016  # for the inner shell
expect_exit 0 in_kube_root sh -ec 'cd /test/sites; for name in *; do kustomize build "$name" >"/test/$name.yaml"; done'
expect_equal "$(<"$err")" "" "warnings of kustomize"
expect_exit 0 check_types /test/site.yaml /test/smoke.yaml /test/registry.yaml "${names[@]}"
jq -c . "$out" >"$tmp/objects.json"
expect_equal "$(jq length "$tmp/objects.json")" 27 "files that were looked at"
expect_equal "$(jq -c '[.smoke[].spec | objects | .accessModes, .storageClassName | values]' "$tmp/objects.json")" \
  '[["ReadWriteMany"],"standard"]' "the smoke test's volume"

# What it is there for.
sed 's/envFrom:/envfrom:/
  s/parallelism: .*/parallelism: "2"/
  s/kind: PriorityClass$/kind: PriorityKlass/
  s/containerPort: 9464/hostPort: 9464/' "$tmp/site.yaml" >"$tmp/mistakes.yaml"
expect_exit 1 check_types /test/mistakes.yaml
for mistake in 'V1Container has no such field' "parallelism: '2' is no int" 'no such kind' \
  'container_port.*must not be'; do
  expect_grep "$mistake" "$err"
done

# Pod Security Standards, as far as they name what can be here.
cat >"$tmp/policy.jq" <<'END'
def pods: [.[].spec.template.spec | objects];
def labels: [.[].spec.template.metadata.labels | objects][0];
def selectors: [.[].spec | objects | .selector.matchLabels, .podSelector.matchLabels | objects];
def default_capabilities: ["AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD",
  "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"];
def baseline:
  (.hostNetwork or .hostPID or .hostIPC | not)
  and (.securityContext.seccompProfile.type // "RuntimeDefault" == "RuntimeDefault")
  and all(.containers[].securityContext;
    (.privileged | not) and ((.capabilities.add // []) - default_capabilities == []));
def restricted:
  baseline and .securityContext.runAsNonRoot and .securityContext.runAsUser > 0
  and .securityContext.seccompProfile.type == "RuntimeDefault"
  and all(.volumes[]; keys - ["name", "configMap", "emptyDir", "persistentVolumeClaim", "secret"] == [])
  and all(.containers[].securityContext;
    .allowPrivilegeEscalation == false and .capabilities == {drop: ["ALL"]});
def careful:
  .automountServiceAccountToken == false and .enableServiceLinks == false and .priorityClassName
  and all(.containers[]; .resources | .requests.memory == .limits.memory);
def selected: selectors as $wanted | labels as $labels
  | ($wanted | length) > 0 and all($wanted[]; . as $one | $labels | contains($one));
del(.registry) | to_entries[] | .key as $name | .value
  | select(pods | length == 1 and all(careful) and
      all(if $name | test("[+]restricted|^site$|^smoke$") then restricted else baseline end) | not),
    select(selected | not) | $name
END
expect_exit 0 jq -f "$tmp/policy.jq" "$tmp/objects.json"
expect_out ''

# The exit code that ends a Job is the one of wrong options, and the container is the pilot's.
code=0
podpilot pilot --no-such-option 2>"$err" || code=$?
expect_equal "$(jq -c '[.[][] | select(.kind == "Job") | .spec |
    [.template.spec.containers[0].name, (.podFailurePolicy.rules[] | select(.action == "FailJob").onExitCodes)]] |
    unique | .[]' "$tmp/objects.json")" \
  "[\"pilot\",{\"containerName\":\"pilot\",\"operator\":\"In\",\"values\":[$code]}]" "podFailurePolicy of Jobs"
