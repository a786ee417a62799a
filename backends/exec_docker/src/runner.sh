# The first process of a container. It is told on its standard input what to do, one line each:
#
#   run TOKEN    runs the script /.kiln/job; its output is this shell's own. At its end a line with
#                the token and its exit code is on the standard output, one with the token on the
#                standard error. Nobody else knows the token.
#   ping TOKEN   says whether whoever waits for the job is still there.
#   clean TOKEN  ends all other processes, removes shared memory, and says whether that worked,
#                and how often memory ran out. Files are removed from outside, unless
#   wipe TOKEN   is told, which removes what is in the exec root and in /tmp, and says whether that
#                worked: where these folders are the container's own.
#
# It uses what every shell has built in, and `rm` if something is to be removed. At the end of its
# input it ends, and the container with it.
umask 022
read -r hello </.kiln/hello
nl='
'
others() { set -- /proc/[0-9]*; [ $# -gt 1 ]; }

left() {
    for f in /dev/shm/* /dev/shm/.[!.]* /dev/shm/..?*; do
        if [ -e "$f" ] || [ -L "$f" ]; then return 0; fi
    done
    return 1
}

ooms() {
    for f in /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control; do
        [ -r "$f" ] || continue
        while read -r name count; do
            if [ "$name" = oom_kill ]; then oom=$count; fi
        done <"$f"
    done
}

remains() {
    for f in /kiln/* /kiln/.[!.]* /kiln/..?* /tmp/* /tmp/.[!.]* /tmp/..?*; do
        if [ -e "$f" ] || [ -L "$f" ]; then return 0; fi
    done
    return 1
}

job=0
echo "$nl$hello ready"
while read -r verb token; do
    case $verb in
    run)
        (
            (. /.kiln/job) </dev/null
            code=$?
            echo "$nl$token $code"
            echo "$nl$token" >&2
        ) &
        job=$!
        ;;
    ping)
        state=gone
        if read -r stat 2>/dev/null </proc/$job/stat; then
            case $stat in
            *") Z "* | *") X "*) ;;
            *) state=there ;;
            esac
        fi
        echo "$nl$token $state"
        ;;
    clean)
        rounds=0
        wait $job 2>/dev/null
        while others && [ $rounds -lt 50 ]; do
            kill -9 -1 2>/dev/null
            # Waiting for one child takes those along that nobody else waits for.
            : &
            wait $!
            rounds=$((rounds + 1))
        done
        if left; then
            rm -rf /dev/shm/* /dev/shm/.[!.]* /dev/shm/..?* 2>/dev/null
        fi
        state=clean
        if others || left; then state=dirty; fi
        oom=0
        ooms
        echo "$nl$token $state $oom"
        ;;
    wipe)
        if remains; then
            chmod -R u+rwx /kiln /tmp 2>/dev/null
            rm -rf /kiln/* /kiln/.[!.]* /kiln/..?* /tmp/* /tmp/.[!.]* /tmp/..?* 2>/dev/null
        fi
        state=wiped
        if remains; then state=left; fi
        echo "$nl$token $state"
        ;;
    esac
done
