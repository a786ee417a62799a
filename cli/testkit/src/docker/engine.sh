# A Docker engine from Debian's packages, in mount and network namespaces of its own, without a
# bridge: what its containers have of a network is nothing. It goes on when this script ends.
here=$PWD
[ ! -S docker.sock ] || ! DOCKER_HOST=unix://$here/docker.sock pkg/usr/bin/docker version >/dev/null 2>&1 || exit 0
[ "$(id -u)" = 0 ] || { echo "none is running, and starting one takes root" >&2; exit 1; }
if [ ! -x pkg/usr/bin/docker ]; then
    fetch() { apt-get download -q docker.io containerd runc tini; }
    fetch || { apt-get update -qq && fetch; }
    for package in *.deb; do dpkg -x "$package" pkg; done
fi
export PATH=$here/pkg/usr/bin:$here/pkg/usr/sbin:$here/pkg/sbin:$PATH
rm -f docker.sock d.pid
setsid unshare -m -n sh -c "mount --make-rprivate / && ip link set lo up; exec dockerd \
    --bridge=none --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false \
    -H 'unix://$here/docker.sock' --data-root '$here/data' --exec-root '$here/exec' \
    --pidfile '$here/d.pid'" >dockerd.log 2>&1 </dev/null &
for _ in $(seq 120); do
    [ -S docker.sock ] && DOCKER_HOST=unix://$here/docker.sock docker version >/dev/null 2>&1 && exit 0
    sleep 0.5
done
tail -5 dockerd.log >&2
exit 1
