#!/bin/sh
# image-files.sh ROOT BINARY...: what the image holds. The binaries, the shared libraries they load and their licences, the
# authorities that TLS trusts, names for the user and for the resolver. Runs inside the build (Dockerfile).
set -eu

root=$1
shift
mkdir -p "$root/usr/bin" "$root/usr/lib/ssl" "$root/usr/lib64" "$root/etc/ssl/certs" "$root/tmp"
ln -s usr/lib "$root/lib"
ln -s usr/lib64 "$root/lib64"
chmod 1777 "$root/tmp"
cp "$@" "$root/usr/bin/"

libraries=$(ldd "$@" | sed -n 's/^\t\(.* => \)\{0,1\}\(\/[^ ]*\) (.*/\2/p' | sort -u)
for library in $libraries; do
  mkdir -p "$root$(dirname "$library")"
  cp -L "$library" "$root$library"
  package=$(dpkg -S "$library" "/usr$library" 2>/dev/null | sed -n '1s/:.*//p')
  mkdir -p "$root/usr/share/doc/$package"
  cp -L "/usr/share/doc/$package/copyright" "$root/usr/share/doc/$package/"
done

cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
cp /etc/ssl/openssl.cnf "$root/etc/ssl/"
ln -s /etc/ssl/certs "$root/usr/lib/ssl/certs"
ln -s /etc/ssl/certs/ca-certificates.crt "$root/usr/lib/ssl/cert.pem"
ln -s /etc/ssl/openssl.cnf "$root/usr/lib/ssl/openssl.cnf"

echo 'tributary:x:65532:65532:Tributary:/tmp:/usr/sbin/nologin' >"$root/etc/passwd"
echo 'tributary:x:65532:' >"$root/etc/group"
printf 'passwd: files\ngroup: files\nhosts: files dns\n' >"$root/etc/nsswitch.conf"

# Nothing that a binary needs may be missing where only these files are.
for binary in "$@"; do
  chroot "$root" "/usr/bin/${binary##*/}" --version
done
