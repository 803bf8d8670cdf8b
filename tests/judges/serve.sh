# Sourced by the scripts beside it. `serve_here` starts `marque serve` on a free port in the folder it is called from,
# over .marque in it, and sets URL; the server is ended with the script.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
target=$(mkdir -p "$target" && cd "$target" && pwd)
# MARQUE is the program to judge; without it the debug build is, as it is now.
marque=${MARQUE:-$target/debug/marque}
room=$(mktemp -d)
server=

clean_up() {
    [[ -z $server ]] || kill "$server" 2>/dev/null || true
    rm -rf "$room"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

find_marque() {
    if [[ -z ${MARQUE:-} ]]; then
        (cd "$root" && cargo build --locked --quiet --workspace --bins --tests)
    fi
    marque=$(cd "$(dirname "$marque")" && pwd)/$(basename "$marque")
}

serve_here() {
    [[ -z $server ]] || kill "$server" 2>/dev/null || true
    : >serve.out
    "$marque" serve --listen 127.0.0.1:0 --data .marque >serve.out 2>serve.err </dev/null &
    server=$!
    local line=
    for _ in {1..300}; do
        line=$(head -n 1 serve.out)
        [[ -z $line ]] || break
        kill -0 "$server" 2>/dev/null || break
        sleep 0.1
    done
    if [[ $line != "listening on http://"* ]]; then
        echo "marque serve does not start: ${line:-no line on standard output}" >&2
        cat serve.err >&2
        return 1
    fi
    URL=${line#listening on }
}
