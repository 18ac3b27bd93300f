#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Claims, syscall channel and file transfer with a real schedd and its shadows: condor_node runs
# vanilla jobs as plain children.
# ctest: timeout 300
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs root python3
# shellcheck source=test/integration/lib_htcondor.sh
. "$PODPILOT_SOURCE/test/integration/lib_htcondor.sh"

pool up
install -m 600 /dev/null "$tmp/token"
pool token pilot@pool ADVERTISE_STARTD READ >"$tmp/token"
install -m 755 "$PODPILOT_BUILD/test/condor_node" "$tmp/condor_node"
give_user "$tmp/token"
start_node() { # [DISK-LIMIT]
  exec {node}> >(exec "${unprivileged[@]}" "$tmp/condor_node" "127.0.0.1:$POOL_PORT" "$tmp/token" \
    "$tmp/work" "$@" >>"$tmp/node.log" 2>&1)
  wait_for 20 grep -q '^ready' "$tmp/node.log"
}
start_node

# --- what jobs share --------------------------------------------------------------------------------

mkdir -p "$jobs/d/leer ä" "$jobs/d/empty" "$jobs/many"
echo in-data >"$jobs/in.txt"
: >"$jobs/nothing"
echo spaced >"$jobs/d/leer ä/f g"
head -c 3000001 /dev/urandom >"$jobs/large"
for i in {1..2000}; do echo "$i" >"$jobs/many/$i"; done
cat >"$jobs/job.sh" <<'END'
#!/bin/sh
cat in.txt "d/leer ä/f g"
test -f nothing && test ! -s nothing && test -d d/empty && ls many | wc -l
sha256sum <large >sum
mkdir -p out/sub a/b
cp large out/sub/"x ü"
: >out/empty
cp job.sh out/run
echo moved >from
echo preserved >a/b/c
echo to-stderr >&2
exit "$1"
END
cat >"$jobs/quick.sh" <<'END'
#!/bin/sh
echo new >new
mkdir folder && echo inside >folder/file
ln -s new linked
ln -s /etc/hostname outside
echo changed >>in.txt
END
chmod 755 "$jobs"/*.sh
files=('should_transfer_files = yes' 'request_memory = 64' 'request_disk = 64MB')
everything=(in.txt nothing d large many)
inputs="transfer_input_files = $(printf '%s,' "${everything[@]}")"

submit_job listed "${files[@]}" 'executable = job.sh' 'arguments = 3' "${inputs%,}" \
  'transfer_output_files = sum, out, from, a/b/c' 'transfer_output_remaps = "from=to"'
submit_job preserved "${files[@]}" 'executable = job.sh' 'arguments = 0' "${inputs%,}" \
  'transfer_output_files = a/b/c, out/sub' 'preserve_relative_paths = true'
submit_job unlisted "${files[@]}" 'executable = quick.sh' 'transfer_input_files = in.txt'
submit_job missing "${files[@]}" 'executable = quick.sh' 'transfer_input_files = in.txt' \
  'transfer_output_files = new, never, later'
submit_job outside "${files[@]}" 'executable = quick.sh' 'transfer_input_files = in.txt' \
  'transfer_output_files = new, outside'
submit_job sleeper "${files[@]}" 'executable = /bin/sleep' 'transfer_executable = false' \
  'arguments = 1000'

wait_for 60 has_left listed
expect_equal "$(in_history listed JobStatus ExitCode NumJobStarts)" '4 3 1' 'listed: its end'
dir=${folder[listed]}
expect_equal "$(<"$dir/listed.out")" "in-data
spaced
2000" 'listed: stdout'
expect_equal "$(<"$dir/listed.err")" to-stderr 'listed: stderr'
expect_equal "$(<"$dir/sum")" "$(sha256sum <"$jobs/large")" 'listed: what it received'
cmp "$jobs/large" "$dir/out/sub/x ü"
expect_equal "$(stat -c %s "$dir/out/empty")" 0 'listed: an empty file'
[[ -x $dir/out/run && ! -x $dir/to ]] || fail 'listed: executable bits'
expect_equal "$(<"$dir/to") $(<"$dir/c")" 'moved preserved' 'listed: remap, path dropped'
[[ ! -e $dir/from && ! -e $dir/a ]] || fail 'listed: more than was asked for'

wait_for 60 has_left preserved
dir=${folder[preserved]}
expect_equal "$(<"$dir/a/b/c")" preserved 'preserved: a path kept'
cmp "$jobs/large" "$dir/out/sub/x ü"

wait_for 60 has_left unlisted
dir=${folder[unlisted]}
expect_equal "$(<"$dir/new") $(<"$dir/linked")" 'new new' 'unlisted: new files'
expect_equal "$(<"$dir/in.txt")" "in-data
changed" 'unlisted: a changed file'
[[ ! -e $dir/folder && ! -e $dir/outside ]] || fail 'unlisted: a folder, or what is not the job'"'"'s'

# --- holds ------------------------------------------------------------------------------------------

is_held() { # NAME
  [[ $(pool run condor_q "${cluster[$1]}" -af JobStatus) == 5 ]]
}
held() { # NAME ATTRIBUTE...
  pool run condor_q "${cluster[$1]}" -af "${@:2}"
}
expect_held() { # NAME CODE SUBCODE TEXT...
  local name=$1 text reason
  wait_for 60 is_held "$name"
  expect_equal "$(held "$name" HoldReasonCode HoldReasonSubCode)" "$2 $3" "$name: codes"
  reason=$(held "$name" HoldReason)
  for text in "${@:4}"; do
    [[ $reason == *"$text"* ]] || fail "$name: no '$text' in: $reason"
  done
}
expect_held missing 12 2 'output files failure' never '(errno 2) No such file or directory' '2 total failures'
expect_equal "$(<"${folder[missing]}/new")" new 'missing: what was there'
expect_held outside 12 2 'output files failure' outside
[[ ! -s ${folder[outside]}/outside ]] || fail 'outside: a file of the node'

is_slot() { # STATE, "" for none
  [[ $(pool run condor_status -af State) == "$1" ]]
}

# A job removed while it runs gives its slot back.
has_begun() { grep -q '^001 ' "${folder[$1]}/job.log"; }
wait_for 60 has_begun sleeper
pool run condor_rm "${cluster[sleeper]}" >"$out"
wait_for 20 has_left sleeper
wait_for 20 is_slot Unclaimed

# Input files that went between submission and start.
submit_job gone "${files[@]}" 'executable = quick.sh' 'transfer_input_files = in.txt, nothing' \
  'hold = true'
rm "${folder[gone]}/nothing"
pool run condor_release "${cluster[gone]}" >"$out"
expect_held gone 13 2 'input files failure' nothing '(errno 2) No such file or directory'

# More than the job may have on disk: nothing is sent.
exec {node}>&-
wait_for 20 is_slot ''
: >"$tmp/node.log"
start_node 1000
submit_job large "${files[@]}" 'executable = quick.sh' 'transfer_input_files = large'
expect_held large 34 104 '3.0 MB' '1.0 kB'
