# An image of what Debian's busybox-static holds.
apt-get download -q busybox-static || { apt-get update -qq && apt-get download -q busybox-static; }
dpkg -x busybox-static_*.deb pkg
mkdir -p root/bin root/etc root/proc root/dev root/sys root/tmp
chmod 1777 root/tmp
cp pkg/bin/busybox root/bin/
for name in $(root/bin/busybox --list); do
    [ "$name" = busybox ] || ln -s busybox "root/bin/$name"
done
echo 'root:x:0:0:root:/:/bin/sh' >root/etc/passwd
tar -C root --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf - . |
    "$docker" import --change 'ENV PATH=/bin' - kiln-test/busybox:1
