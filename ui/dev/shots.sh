#!/bin/sh
# Pictures of scenes: dev/shots.sh OUT WIDTHxHEIGHT SCENE…, where a scene may carry more, such as 'exam&lang=en'.
# Needs Chromium, and `npx vite build --config vite.dev.config.ts` first.
set -eu
cd "$(dirname "$0")/.."
out=$1 size=$2
shift 2
mkdir -p "$out"
[ -f dev-dist/index.html ] || { echo "build the scenes first" >&2; exit 1; }
port=$(( 20000 + $$ % 20000 ))
npx vite preview --config vite.dev.config.ts --host 127.0.0.1 --port "$port" --strictPort >/dev/null 2>&1 &
server=$!
trap 'kill $server' EXIT
until curl -sf "http://127.0.0.1:$port/" >/dev/null; do kill -0 $server; done
for scene in "$@"; do
  chromium --headless=new --no-sandbox --disable-gpu --hide-scrollbars --virtual-time-budget=4000 \
    --window-size="$(echo "$size" | tr x ,)" --screenshot="$out/$(echo "$scene" | tr '&=,' '---')-$size.png" \
    "http://127.0.0.1:$port/?scene=$scene" >/dev/null 2>&1
done
