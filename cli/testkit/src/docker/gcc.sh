# An image of what some installed Debian packages hold, with all that they need.
wanted='dash g++ python3-minimal bash coreutils grep sed diffutils findutils'
depends() {
    apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks \
        --no-replaces --no-enhances $wanted
}
depends | grep -E '^[a-z0-9]' | sort -u >packages
mkdir -p root/usr/bin root/usr/sbin root/usr/lib root/usr/lib64 root/tmp root/proc root/dev root/etc
chmod 1777 root/tmp
for folder in bin sbin lib lib64; do ln -s "usr/$folder" "root/$folder"; done
for package in $(cat packages); do dpkg -L "$package" 2>/dev/null || true; done |
    sort -u | grep -vE '^/usr/share/(doc|man|locale|info|lintian|bug|gcc/python)' |
    while read -r path; do
        [ -d "$path" ] && [ ! -L "$path" ] && continue
        [ -e "$path" ] && echo "${path#/}"
    done >files || true
# The links in there come from dpkg's alternatives and belong to no package.
for name in awk c++ cc which; do
    [ -L "/usr/bin/$name" ] && echo "usr/bin/$name"
    [ -L "/etc/alternatives/$name" ] && echo "etc/alternatives/$name"
done >>files || true
tar -C / --owner=0 --group=0 --numeric-owner -cf - -T files | tar -C root --keep-directory-symlink -xf -
tar -C root --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf - . |
    "$docker" import --change 'ENV PATH=/usr/bin:/bin' - kiln-test/gcc:1
