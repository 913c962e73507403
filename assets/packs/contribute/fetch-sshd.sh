#!/bin/sh
# Unpacks Debian's SSH server below FOLDER/sshd and writes FOLDER/bin/sshd, which starts it. Nothing is installed: the package
# itself would start a server on this machine.
set -eu
folder=$(mkdir -p "$1" && cd "$1" && pwd)
rm -rf "$folder/sshd"
mkdir -p "$folder/sshd" "$folder/bin"
cd "$folder/sshd"
apt-get download openssh-server libwrap0
for package in ./*.deb; do
  dpkg-deb --extract "$package" .
done
libraries=$(dirname "$(find "$folder/sshd" -name 'libwrap.so.0' | head -n 1)")
cat > "$folder/bin/sshd" <<EOF
#!/bin/sh
LD_LIBRARY_PATH="$libraries" exec "$folder/sshd/usr/sbin/sshd" "\$@"
EOF
chmod +x "$folder/bin/sshd"
# Says its version, and that it knows no such option: enough to see that it starts.
"$folder/bin/sshd" -V 2>&1 | grep -q OpenSSH
