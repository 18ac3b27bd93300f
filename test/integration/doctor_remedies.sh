#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# ctest: timeout 240
# What doctor gives as lines to paste is YAML, and lifts the pod to the rung that it is given for.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
# shellcheck source=test/pods/pod.sh
. "$PODPILOT_SOURCE/test/pods/pod.sh"
needs root runc mkfs.ext4
python3 -c 'import yaml' 2>/dev/null || skip "needs python3-yaml"
in_own_mounts "$0" "$@"

# Every remedy of the table: a pod's patch, with nothing in it that a pod spec does not have.
python3 - "$PODPILOT_SOURCE/agent/doctor/remedies.cc" <<'END' || fail "a remedy is no pod spec"
import re
import sys

import yaml

KNOWN = {
    "": {"spec"},
    "spec": {"hostUsers", "dnsPolicy", "containers", "volumes"},
    "spec.containers": {"name", "image", "env", "volumeMounts", "securityContext"},
    "spec.containers.env": {"name", "value"},
    "spec.containers.volumeMounts": {"name", "mountPath", "readOnly"},
    "spec.containers.securityContext": {"seccompProfile", "appArmorProfile", "seLinuxOptions",
                                        "procMount", "runAsUser", "runAsNonRoot", "capabilities"},
    "spec.containers.securityContext.seccompProfile": {"type"},
    "spec.containers.securityContext.appArmorProfile": {"type"},
    "spec.containers.securityContext.seLinuxOptions": {"type"},
    "spec.containers.securityContext.capabilities": {"drop", "add"},
    "spec.volumes": {"name", "emptyDir", "configMap"},
    "spec.volumes.emptyDir": set(),
    "spec.volumes.configMap": {"name"},
}


def check(value, path):
    if isinstance(value, list):
        for item in value:
            check(item, path)
    elif isinstance(value, dict):
        assert set(value) <= KNOWN[path], (path, value)
        for key, item in value.items():
            check(item, f"{path}.{key}".lstrip("."))


texts = re.findall(r'R"\((spec:.*?)\)"', open(sys.argv[1]).read(), re.DOTALL)
assert len(texts) >= 10, len(texts)
for text in texts:
    check(yaml.safe_load(text), "")
    mounted = {mount["name"] for container in yaml.safe_load(text)["spec"].get("containers", [])
               for mount in container.get("volumeMounts", [])}
    assert mounted == {volume["name"] for volume in yaml.safe_load(text)["spec"].get("volumes", [])}
END

start_registry
make_node runc "$tmp/registry/storage"

doctor_says() { # EXIT JQ-FILTER
  local status=0
  run_pod doctor --json --cache /pod/cache || status=$?
  expect_equal "$status" "$1" "doctor in ${pod##*/}: $(<"$pod/out")"
  jq -r "$2" "$pod/out"
}
remedy_for() { # CHECK: as jq filter
  printf '.rung + " " + (.checks[] | select(.name == "%s") | .remedy.reason)' "$1"
}
# The pod of pods.tsv has RUNG, and the remedy REASON at CHECK, whose lines bring it to WANT.
lift() { # POD EXIT RUNG CHECK REASON WANT
  local name what parts rest
  while IFS='|' read -r name what parts rest; do [[ $name == "$1" ]] && break; done <"$pods_source/pods.tsv"
  read -ra parts <<<"$parts"
  make_pod "$name" "${parts[@]}"
  expect_equal "$(doctor_says "$2" "$(remedy_for "$4")")" "$3 $5" "$1 ($what)"
  jq -r --arg check "$4" '.checks[] | select(.name == $check) | .remedy.kubernetes' "$pod/out" |
    "$pods_source/apply_remedy" "$pod/config.json"
  find "$pod/data" -mindepth 1 -delete # a new pod has a new emptyDir
  expect_equal "$(doctor_says 0 .rung)" "$6" "$1 with the remedy $5"
}
lift D2x 0 transplant userns seccomp userns
remove_pod
lift AppArmor 0 userns-nomount userns apparmor userns
remove_pod
lift Euser 0 transplant transplant-setuid not-root transplant-setuid
remove_pod
lift Acaps0 1 "" transplant root-pilot userns
remove_pod
lift C 0 userns proc masked-proc userns
expect_equal "$(jq -r '.checks[] | select(.name == "proc") | .result' "$pod/out")" ok "/proc unmasked"
remove_pod

# What only the node can mend has no lines for the pod.
make_pod K user_namespace no_user_namespaces
expect_equal "$(doctor_says 0 "$(remedy_for userns)")" 'transplant max-user-namespaces'
expect_equal "$(jq -r '.checks[] | select(.name == "userns") | .remedy | .kubernetes + .node' "$pod/out")" \
  'sysctl -w user.max_user_namespaces=65536'
