#!/usr/bin/env bash
# Measures what a program with 100 cached functions costs to build from nothing: the CPU time of
# cargo and all that it runs (user and system), and how many packages cargo compiles, the program
# itself included. The programs differ in what caches their functions: larder as it comes, larder
# with `redis`, `cached` as it comes with `async`, or nothing. All of them have tokio, which an
# asynchronous program has anyway. They are built in turn, a round after a round, in the `dev`
# profile; the table shows the median of the rounds and what lies between the least and the most.
#
#   benches/compile_time.sh [rounds, 3 by default]
#
# Other work on the machine prolongs the CPU time too, but that of all programs alike.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

rounds=${1:-3}
repo=$PWD
dir="$(mkdir -p "${CARGO_TARGET_DIR:-target}/compile_time" && cd "${CARGO_TARGET_DIR:-target}/compile_time" && pwd)"
programs=(nothing larder larder-redis cached)
# Functions share a type by tens.
types=10
each=10

dependency() { # program
  case $1 in
    nothing) ;;
    larder) echo "larder = { path = \"$repo\" }" ;;
    larder-redis)
      echo "larder = { path = \"$repo\", features = [\"redis\"] }"
      echo 'serde = { version = "1", features = ["derive"] }'
      ;;
    cached) echo 'cached = { version = "4.1", features = ["async"] }' ;;
  esac
}

attribute() { # program, type
  case $1 in
    nothing) ;;
    larder*) echo "#[larder::cached(ttl = 600, key = \"t$2:<id>:<name>\")]" ;;
    cached) echo "#[cached::macros::cached(max_size = 65_536, ttl_secs = 600, key = \"String\", convert = r#\"{ format!(\"t$2:{id}:{name}\") }\"#)]" ;;
  esac
}

source_of() { # program
  local derive="Clone" type function
  if [ "$1" = larder-redis ]; then derive="Clone, serde::Serialize, serde::Deserialize"; fi
  echo '#[derive(Clone)] pub struct Lost;'
  for ((type = 0; type < types; type++)); do
    echo "#[derive($derive)] pub struct T$type { pub id: u64, pub name: String, pub more: Vec<u32> }"
    for ((function = 0; function < each; function++)); do
      attribute "$1" "$type"
      echo "pub async fn f${type}_$function(id: u64, name: String) -> Result<T$type, Lost> {"
      echo "    if id == 0 { return Err(Lost); }"
      echo "    Ok(T$type { id, name, more: vec![$function] })"
      echo "}"
    done
  done
  echo 'fn main() {'
  echo '    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");'
  echo '    let found = runtime.block_on(async {'
  echo '        let mut found = 0;'
  for ((type = 0; type < types; type++)); do
    for ((function = 0; function < each; function++)); do
      echo "        found += usize::from(f${type}_$function(1, String::new()).await.is_ok());"
    done
  done
  echo '        found'
  echo '    });'
  echo '    println!("{found} functions");'
  echo '}'
}

generate() { # program
  mkdir -p "$dir/$1/src"
  {
    echo '[package]'
    echo "name = \"program\""
    echo 'version = "0.0.0"'
    echo 'edition = "2024"'
    echo '[workspace]'
    echo '[dependencies]'
    echo 'tokio = { version = "1", features = ["rt"] }'
    dependency "$1"
  } >"$dir/$1/Cargo.toml"
  source_of "$1" >"$dir/$1/src/main.rs"
  # The versions with which everything else here is measured.
  cp Cargo.lock "$dir/$1/Cargo.lock"
  (cd "$dir/$1" && cargo fetch -q)
}

# Builds a program from nothing; prints its CPU time in seconds and the number of packages.
build() { # program
  local target="$dir/$1/target"
  rm -rf "$target"
  local TIMEFORMAT='%U %S'
  local spent
  spent=$({ time CARGO_TARGET_DIR=$target cargo build --offline --manifest-path "$dir/$1/Cargo.toml" 2>"$dir/$1/log"; } 2>&1)
  "$target/debug/program" >"$dir/$1/says"
  grep -qx '100 functions' "$dir/$1/says"
  echo "$spent $(grep -c '^ *Compiling ' "$dir/$1/log")" | awk '{printf "%.1f %d\n", $1 + $2, $3}'
}

for program in "${programs[@]}"; do
  generate "$program"
  : >"$dir/$program/times"
done
for ((round = 1; round <= rounds; round++)); do
  for program in "${programs[@]}"; do
    build "$program" >>"$dir/$program/times"
  done
done

median() { sort -n | awk '{all[NR] = $1} END{print (NR % 2) ? all[(NR + 1) / 2] : (all[NR / 2] + all[NR / 2 + 1]) / 2}'; }

echo "| program | packages | CPU s | least – most |"
echo "|---|---:|---:|---:|"
for program in "${programs[@]}"; do
  times="$dir/$program/times"
  least=$(sort -n "$times" | awk 'NR == 1{print $1}')
  most=$(sort -n "$times" | awk 'END{print $1}')
  echo "| $program | $(awk 'END{print $2}' "$times") | $(median <"$times") | $least – $most |"
done
echo "$rounds rounds; load of the machine at the end: $(cut -d' ' -f1-3 /proc/loadavg); $(nproc) cores; $(rustc --version)"
