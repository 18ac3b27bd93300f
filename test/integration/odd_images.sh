#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Images that lack what one takes for granted (shell, /etc/passwd, /tmp, glibc) or have it elsewhere.
# shellcheck source=test/integration/lib.sh
. "$(dirname "$0")/lib.sh" || exit
needs userns
start_registry
busybox=$(command -v busybox)
victims=$PODPILOT_BUILD/test/victims

# FOLDER becomes the image NAME; sets `image`.
publish() { # NAME FOLDER [UMOCI-CONFIG-OPTION...]
  make_image "$tmp/$1.image" gzip "$2" -- "${@:3}"
  push "$tmp/$1.image" "$1:1"
  image=docker://$registry/$1:1
}

# One static program and nothing else: no shell, no /etc, no /tmp, no /bin.
mkdir "$tmp/static"
cp "$victims/look" "$tmp/static/look"
publish static "$tmp/static" --config.entrypoint /look --config.workingdir /
expect_exit 0 run "$image" ids cwd ls /
expect_out $'0:0 0\n/\ndev etc look proc sys '
expect_exit 0 run -u 1000:2000 "$image" ids
expect_out '1000:2000 0'
expect_exit 0 run "$image" env
expect_grep '^HOME=/$' "$out"
expect_error job-invalid somebody run -u somebody "$image" ids
expect_exit 127 run --entrypoint sh "$image" -c true
expect_exit 127 run --entrypoint /bin/sh "$image" -c true
expect_exit 0 run --tmpfs /tmp -v "$tmp/work:/a/b/c" -w /x/y "$image" cwd stat /tmp write /a/b/c/file text
expect_out $'/x/y\n/tmp 41777 0:0\nwrite ok'
expect_exit 0 run --read-only "$image" write /new text
expect_out 'write EROFS'

# /bin, /sbin and /lib as links, relative, absolute and through each other.
mkdir -p "$tmp/links/usr/bin" "$tmp/links/etc"
cp "$busybox" "$tmp/links/usr/bin/busybox"
for applet in sh cat ls; do ln -s busybox "$tmp/links/usr/bin/$applet"; done
ln -s usr/bin "$tmp/links/bin"
ln -s /bin "$tmp/links/sbin"
ln -s ../../../usr/bin/busybox "$tmp/links/etc/echo"
publish links "$tmp/links" --config.cmd /sbin/sh
expect_exit 0 run "$image" /bin/sh -c 'cat /proc/self/comm; ls -d /bin /sbin'
expect_out $'cat\n/bin\n/sbin'
expect_exit 0 run "$image" sh -c 'exec /sbin/busybox echo through'
expect_out through
expect_exit 0 run "$image" /etc/echo climbs
expect_out climbs

# A user that only ids know: no /etc/passwd, no /etc/group.
expect_exit 0 run -u 65534 "$image" sh -c 'echo $HOME'
expect_out /

# musl's loader and a program that needs it.
if command -v musl-gcc >/dev/null; then
  mkdir -p "$tmp/musl/bin" "$tmp/musl/lib"
  cat >"$tmp/hello.c" <<'END'
#include <pthread.h>
#include <pwd.h>
#include <stdio.h>
static void* hello(void* name) { return (void*)(long)printf("hello from %s\n", (char*)name); }
int main(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, hello, getpwuid(0) ? "somebody" : "nobody");
  return pthread_join(thread, NULL);
}
END
  musl-gcc -o "$tmp/musl/bin/hello" "$tmp/hello.c"
  loader=$(readelf -p .interp "$tmp/musl/bin/hello" | grep -o '/lib/ld-musl-[^ ]*')
  cp --dereference "$loader" "$tmp/musl$loader"
  publish musl "$tmp/musl" --config.cmd hello
  expect_exit 0 run "$image"
  expect_out 'hello from nobody'
  rm "$tmp/musl$loader"
  publish musl-broken "$tmp/musl" --config.cmd hello
  expect_exit 127 run "$image"
else
  skip 'of musl: needs musl-gcc; all else passed'
fi
