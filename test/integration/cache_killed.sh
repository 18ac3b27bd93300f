#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A pull, gc, verify --remove and a run that has a scratch folder to remove are killed before each
# call that changes files, one after the other (test/tools/kill_at.cc). Whatever is left, the cache
# is whole, the next pull or run works, and gc --size 0 leaves nothing. The argument is how many
# calls to go on by: 1 for all of them.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns root
step=${1:-17}
kill_at=$tmp/kill_at
install -m 755 "$PODPILOT_BUILD/test/kill_at" "$kill_at"

# Two layers with all kinds of entries, folders and files that are closed to their owner, and a
# fix-up: the upper one only implies a folder that the lower one makes 1777, and removes another.
mkdir -p "$tmp"/{lower/bin,lower/tmp,lower/gone/deep,lower/shut/in,upper/tmp}
cp "$(command -v busybox)" "$tmp/lower/bin/busybox"
ln -s busybox "$tmp/lower/bin/sh"
ln "$tmp/lower/bin/busybox" "$tmp/lower/bin/cat"
echo 1 | tee "$tmp/lower/gone/deep/file" >"$tmp/lower/shut/in/file"
mkfifo "$tmp/lower/fifo"
echo precious >"$tmp/upper/tmp/file"
touch "$tmp/upper/.wh.gone"
chmod 1777 "$tmp/lower/tmp"
chmod 000 "$tmp/lower/shut/in/file" "$tmp/lower/shut/in" "$tmp/lower/shut"
tar --create --file "$tmp/lower.tar" --directory "$tmp/lower" .
tar --create --file "$tmp/upper.tar" --directory "$tmp/upper" tmp/file .wh.gone
make_image "$tmp/image" gzip "$tmp/lower.tar" "$tmp/upper.tar" -- --config.env PATH=/bin
chmod -R a+rX "$tmp/image"
image=oci:$tmp/image:image

# Where podpilot is killed: `seen` calls were made in all, the last of them not.
killed_at() { # N COMMAND...: sets `seen` and `call`
  local n=$1 code=0
  shift
  : >"$tmp/work/calls"
  give_user "$tmp/work/calls"
  "${unprivileged[@]}" "${pilot_env[@]}" "$kill_at" "$n" "$tmp/work/calls" "$program" "$@" \
    >"$out" 2>"$err" </dev/null || code=$?
  read -r seen call <"$tmp/work/calls" || fail "kill_at failed: $(<"$err")"
  if ((n == 0 && code != 0)); then show_output && fail "without a kill: exit $code: $*"; fi
}

left_in_cache() { find "$cache/v1" -mindepth 2 -printf '%P '; }

# The next one finds a cache that is whole, and leaves one with nothing in it.
expect_good_as_new() {
  if [[ $where == verify* ]]; then expect_exit 0 podpilot cache verify --remove --cache "$cache"; fi
  expect_whole_cache
  expect_equal "$(jq .incomplete_images "$out")" 0 "$where: incomplete images"
  expect_exit 0 pull --quiet "$image"
  expect_out "$digest"
  expect_exit 0 run --pull never "$image" cat /tmp/file
  expect_out precious
  expect_whole_cache
  expect_exit 0 podpilot cache gc --size 0 --cache "$cache"
  expect_equal "$(left_in_cache)" '' "$where: left after gc"
}

killed=0
every_step() { # WHAT PREPARATION COMMAND...
  local what=$1 preparation=$2 n=1 total
  shift 2
  "$preparation"
  killed_at 0 "$@"
  total=$seen
  where="$what as a whole"
  expect_good_as_new
  # A few more or less, as threads meet.
  for ((n = 1 + RANDOM % step; n <= total; n += step)); do
    "$preparation"
    killed_at "$n" "$@"
    where="$what, killed at $call, call $n of $total"
    expect_good_as_new
    if [[ $call != - ]]; then killed=$((killed + 1)); fi
  done
  printf '%s: %s calls\n' "$what" "$total"
}

nothing() { :; } # is there
filled() { expect_exit 0 pull --quiet "$image"; }
damaged() {
  filled
  echo damaged. >"$(find "$cache/v1/layers" -path '*/tmp/file')"
}
# What a killed run left is removed by the next one; a folder without a lock only when it is a
# minute old.
swept() {
  filled
  find "$cache/scratch" -maxdepth 1 -name 'pilot-*' -exec touch -d '2 minutes ago' {} +
}

filled
digest=$(<"$out")
expect_exit 0 podpilot cache gc --size 0 --cache "$cache"
every_step pull nothing pull --quiet --cache "$cache" "$image"
every_step gc filled cache gc --size 0 --cache "$cache"
every_step 'verify --remove' damaged cache verify --remove --cache "$cache"
every_step run swept run --quiet --cache "$cache" "$image" \
  sh -c 'mkdir -p /tmp/a/b && echo x >/tmp/a/b/c && chmod 000 /tmp/a/b /tmp/a && rm /bin/cat'
swept
expect_exit 0 run --pull never "$image" cat /tmp/file
expect_equal "$(find "$cache/scratch" -name 'pilot-*' -printf '%f ')" '' 'left in scratch'
((killed > 0)) || fail 'nothing was killed'
printf 'killed %s times\n' "$killed"
