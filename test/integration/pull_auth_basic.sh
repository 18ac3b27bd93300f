#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Registries with user and password: podpilot takes them from docker's config.json, for the host
# they are meant for, and says what is missing where they are not there or wrong.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
start_registry htpasswd
busybox_image
push "$cached" private/tool:1
image=docker://$registry/private/tool:1

expect_error image-denied "$registry/private/tool:1" pull "$image"
expect_exit 0 pull --registry-config "$tmp/config.json" "$image"
expect_grep '^sha256:[0-9a-f]{64}$' "$out"

jq --arg registry "$registry" \
  '.auths[$registry].auth = ("flyer:wrong" | @base64)' "$tmp/config.json" >"$tmp/wrong.json"
chmod 644 "$tmp/wrong.json"
expect_error image-denied "$registry" pull --registry-config "$tmp/wrong.json" "$image"
jq '.auths = {"other.example": .auths[]}' "$tmp/config.json" >"$tmp/other.json"
chmod 644 "$tmp/other.json"
expect_error image-denied "$registry" pull --registry-config "$tmp/other.json" "$image"

# Where docker would look without being told.
mkdir "$tmp/home/.docker"
cp "$tmp/config.json" "$tmp/home/.docker/"
give_user "$tmp/home/.docker"
expect_exit 0 pull "$image"
expect_exit 125 pull --registry-config "$tmp/nowhere.json" "$image"
expect_grep nowhere.json "$err"

# A helper program instead of a password in the file; and one that fails.
mkdir "$tmp/bin"
cat >"$tmp/bin/docker-credential-keyring" <<'END'
#!/bin/sh
read -r server
[ "$1 $server" = "get $EXPECTED" ] || { echo "what is $1 $server?"; exit 1; }
printf '{"ServerURL":"%s","Username":"flyer","Secret":"%s"}' "$server" "$(cat "$HOME/password")"
END
chmod 755 "$tmp/bin/docker-credential-keyring"
install -m 644 "$tmp/password" "$tmp/home/password"
jq -n --arg registry "$registry" '{credHelpers: {($registry): "keyring"}}' >"$tmp/home/.docker/config.json"
with_helper() { # REGISTRY-THAT-IT-KNOWS COMMAND...
  local known=$1
  shift
  as_user env -i HOME="$tmp/home" PATH="$tmp/bin:$PATH" EXPECTED="$known" "$program" "$@"
}
expect_exit 0 with_helper "$registry" pull --cache "$tmp/work/helped" "$image"
expect_error image-denied 'docker-credential-keyring fails' \
  with_helper other.example pull --cache "$tmp/work/refused" "$image"

needs userns
# One of a cloud's, in the pull of a job: what it needs of the environment is not there for the payload.
cat >"$tmp/bin/docker-credential-cloud" <<'END'
#!/bin/sh
[ "$AWS_ROLE_ARN $GOOGLE_APPLICATION_CREDENTIALS $AZURE_CLIENT_ID" = 'role file client' ] || exit 1
printf '{"ServerURL":"x","Username":"flyer","Secret":"%s"}' "$(cat "$HOME/password")"
END
chmod 755 "$tmp/bin/docker-credential-cloud"
jq -n --arg registry "$registry" '{credHelpers: {($registry): "cloud"}}' >"$tmp/home/.docker/config.json"
in_cloud() { # COMMAND...
  as_user env -i HOME="$tmp/home" PATH="$tmp/bin:$PATH" AWS_ROLE_ARN=role AZURE_CLIENT_ID=client \
    GOOGLE_APPLICATION_CREDENTIALS=file OTHER_SECRET=x "$@"
}
expect_exit 0 in_cloud "$program" run --cache "$tmp/work/cloud" "$image" env
expect_no_grep 'AWS_|GOOGLE_|AZURE_|OTHER_' "$out"
