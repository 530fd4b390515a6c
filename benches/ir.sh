#!/usr/bin/env bash
# Counts the unoptimised LLVM IR that one more cached function costs, when functions share a return
# type: the instructions of all functions of package `ir`, counted as cargo-llvm-lines counts them,
# with 21 cached functions less those with one, over 20. The same without the attribute says what
# the functions and their one use cost by themselves.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

target=900

dir="$(mkdir -p "${CARGO_TARGET_DIR:-target}/ir" && cd "${CARGO_TARGET_DIR:-target}/ir" && pwd)"

lines() { # features
  # What is there already is not made again, and then not written either.
  touch benches/ir/src/main.rs
  CARGO_TARGET_DIR=$dir CARGO_INCREMENTAL=0 cargo rustc -q -p ir --bin ir --features "$1" -- \
    --emit=llvm-ir="$dir/ir.ll" -C no-prepopulate-passes -C codegen-units=1 -C debuginfo=0
  awk '/^define /{inside = 1} inside && /^  [^ ]/{count++} /^}/{inside = 0} END{print count}' "$dir/ir.ll"
}

one=$(lines "")
many=$(lines more)
plain_one=$(lines plain)
plain_many=$(lines plain,more)
each=$(((many - one) / 20))
plain=$(((plain_many - plain_one) / 20))
echo "one more cached function: $each lines of IR; not cached: $plain; the attribute: $((each - plain))"
if [ "$each" -le "$target" ]; then echo "at most $target: met"; else echo "at most $target: MISSED"; fi
