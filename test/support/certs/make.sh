#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes the keys and certificates of the tests: a CA, a server for localhost and
# 127.0.0.1, a client. Valid for a hundred years; good for nothing but tests.
set -eu
cd "$(dirname "$0")"

new_key() {
  openssl ecparam -name prime256v1 -genkey -noout -out "$1-key.pem"
}

sign() { # name, common name, extensions
  new_key "$1"
  printf '%s\n' "$3" > "$1.ext"
  openssl req -new -key "$1-key.pem" -subj "/CN=$2" -out "$1.csr"
  openssl x509 -req -in "$1.csr" -CA ca-cert.pem -CAkey ca-key.pem -CAcreateserial \
    -days 36500 -extfile "$1.ext" -out "$1-cert.pem"
  rm "$1.csr" "$1.ext"
}

new_key ca
openssl req -x509 -new -key ca-key.pem -subj '/CN=hawser test CA' -days 36500 -out ca-cert.pem
sign server localhost 'subjectAltName=DNS:localhost,DNS:other.test,IP:127.0.0.1'
sign client 'hawser test client' 'extendedKeyUsage=clientAuth'
rm ca-key.pem ca-cert.srl
