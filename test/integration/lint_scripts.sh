#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# scripts/try-lint and scripts/layers find what they are for, and nothing else.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

cat >"$tmp/try.cc" <<'END'
#define TRY(expr) __extension__({ expr; })
// f(TRY(in a comment))
Result<int> f() {
  TRY(a("f(TRY("));
  const std::map<int, Foo> x =
      TRY(b({1, 2}));
  if (x.y) TRY(c()); else return TRY(d());
  switch (x.z) { case Foo::bar: x.z[1] = TRY(e()); }
  auto l = [&]() -> Result<int> { return TRY(g()); };
  bad(TRY(a()));
  Foo bad{1, TRY(a())};
  Foo bad{.a = TRY(a())};
  return bad(TRY(a()));
  return {TRY(a())};  // bad
  auto bad = TRY(a()).b();
  auto bad = x + TRY(a());
  auto bad = c ? TRY(a()) : 0;
  if (auto bad = TRY(a()); bad) {}
  for (auto& bad : TRY(a())) {}
  TRY(bad(TRY(a())));
}
END
found=$("$PODPILOT_SOURCE/scripts/try-lint" "$tmp/try.cc" | cut -d: -f2) || true
[[ $found == "$(grep -nw bad "$tmp/try.cc" | cut -d: -f1)" ]] || {
  printf 'try-lint complains about lines:\n%s\n' "$found"
  exit 1
}

mkdir -p "$tmp"/{scripts,agent/{cli,job},oci,sandbox/base,test}
cp "$PODPILOT_SOURCE/scripts/layers" "$tmp/scripts/"
include() { # FILE INCLUDED...
  local file=$1
  shift
  printf '#include "%s"\n' "$@" >"$tmp/$file"
}
include sandbox/base/a.h sandbox/base/b.h
include sandbox/b.h sandbox/base/a.h sandbox/c.h
include oci/a.cc oci/a.h sandbox/base/a.h
include agent/job/a.cc agent/job/a.h oci/a.h sandbox/b.h
include agent/cli/a.cc agent/job/a.h
include test/a.cc test/catch.h agent/cli/a.h
"$tmp/scripts/layers"
include sandbox/base/a.h sandbox/b.h
include sandbox/b.h oci/a.h
include oci/a.cc sandbox/b.h agent/a.h a.h
include agent/job/a.cc agent/cli/a.h test/a.h
found=$("$tmp/scripts/layers" | wc -l) || true
[[ $found == 7 ]] || {
  echo "layers complains $found times instead of 7:"
  "$tmp/scripts/layers" || true
  exit 1
}
