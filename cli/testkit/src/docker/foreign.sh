# An empty image that is made for a processor that this machine does not have.
case $(uname -m) in aarch64) other=amd64 ;; *) other=arm64 ;; esac
mkdir root && tar -C root -cf - . | "$docker" import - kiln-test/foreign:1
"$docker" save kiln-test/foreign:1 -o image.tar
"$docker" rmi kiln-test/foreign:1
mkdir image && tar -C image -xf image.tar
sed -i -E "s/\"architecture\":\"[a-z0-9]+\"/\"architecture\":\"$other\"/" image/*.json
tar -C image -cf - . | "$docker" load
