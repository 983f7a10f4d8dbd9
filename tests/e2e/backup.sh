#!/bin/bash
# A data directory is the cluster: a copy of it is a backup, Secrets lie sealed in it, and what is missing
# or damaged is told in one sentence.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
k=$minke
data=$work/data

server_start --node none || exit 1
"$k" create secret generic s --from-literal=word=correct-horse >/dev/null
"$k" create configmap c --from-literal=word=for-all >/dev/null
word() { "$k" get secret s -o 'jsonpath={.data.word}' | base64 -d; }
# While it runs: what was promised is in the two files together.
same "the database does not give a Secret away" 0 "$(cat "$data"/minke.db* | grep -acE 'correct-horse|Y29ycmVjdC1ob3JzZ')"
same "a ConfigMap lies there as it is" 1 "$(cat "$data"/minke.db* | grep -ac for-all)"
same "the key is for its owner only" 600 "$(stat -c %a "$data/secrets.key")"
server_stop TERM
cp -a "$data" "$work/backup"

server_start --node none --rotate-secrets-key || exit 1
same "with a new key the Secret is the same" correct-horse "$(word)"
server_stop KILL
ok "it is another key" sh -c "! cmp -s '$data/secrets.key' '$work/backup/secrets.key'"
server_start --node none || exit 1
same "after kill -9 it is there still" correct-horse "$(word)"
"$k" delete secret s >/dev/null
server_stop TERM

rm -rf "$data"; cp -a "$work/backup" "$data"
server_start --node none || exit 1
same "a backup brings back what was deleted" correct-horse "$(word)"
same "and the rest" for-all "$("$k" get cm c -o 'jsonpath={.data.word}')"
server_stop TERM

refused() { # WHAT SENTENCE
  matches "$1" "$2" "$(timeout 10 "$minke" server --data "$data" --listen 127.0.0.1:6443 --node none 2>&1 | tail -n 1)"
}
mv "$data/secrets.key" "$work/key"
refused "a missing key is missed" 'secrets.key is missing: put a backup in its place'
echo nonsense >"$data/secrets.key"
refused "a damaged one is told" 'secrets.key is damaged: put a backup in its place'
sed 's/[0-9a-f]* [^ ]*$/00000000 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=/' "$work/key" >"$data/secrets.key"
refused "a wrong one too" 'is not the key that the Secrets were sealed with'
cp "$work/key" "$data/secrets.key"
server_start --node none || exit 1
same "with the right one all is well" correct-horse "$(word)"
