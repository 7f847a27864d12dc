#!/bin/bash
# Builds the Debian packages into a folder, from a copy of the files that git knows, so that the tree
# stays as it is and nothing of a build gets into a package. `make deb` calls it.
#
#   tools/deb.sh FOLDER VERSION         VERSION as `git describe` says it
#   tools/deb.sh --show-version VERSION  only prints the version that the packages would have
#
# That is made of it: v1.2.3 -> 1.2.3; v1.2.3-rc1 -> 1.2.3~rc1, which is older; v1.2.3-4-gabc (four
# commits later) -> 1.2.3+4.gabc; before the first tag, abc -> 0~N.gabc with N commits so far; -dirty
# -> +0.dirty.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$1
version=$2
# The tree may be somebody else's; see the GNUmakefile.
git=(git -c safe.directory='*')

debian_version() { # VERSION
    local v=$1 dirty='' base rest=''
    case $v in *-dirty) dirty=+0.dirty v=${v%-dirty} ;; esac
    case $v in
    v[0-9]*)
        base=$v
        case $v in *-[0-9]*-g*) base=${v%-*-g*} rest=${v#"$base"-} rest=+${rest/-/.} ;; esac
        base=${base#v}
        echo "${base//-/\~}$rest$dirty"
        ;;
    *) echo "0~$("${git[@]}" rev-list --count HEAD).g$v$dirty" ;;
    esac
}

if [ "$out" = --show-version ]; then
    debian_version "$version"
    exit
fi
epoch=$("${git[@]}" log -1 --format=%ct)
debian=$(debian_version "$version")
tree=$out/work-factory-$debian
rm -rf "$out"
mkdir -p "$tree"
"${git[@]}" ls-files -z | tar -c --null -T - | tar -x -C "$tree"
maintainer=$(sed -n 's/^Maintainer: //p' debian/control)
cat >"$tree/debian/changelog" <<END
work-factory ($debian) unstable; urgency=medium

  * Built of $version.

 -- $maintainer  $(LC_ALL=C date -u -R -d "@$epoch")
END

cd "$tree"
SOURCE_DATE_EPOCH=$epoch VERSION=$version MAKEFLAGS='' MAKELEVEL='' \
    dpkg-buildpackage --build=binary --no-sign
cd - >/dev/null
rm -rf "$tree"
root_is_fine=()
[ "$(id -u)" != 0 ] || root_is_fine=(--allow-root)
lintian "${root_is_fine[@]}" --info --pedantic --fail-on error,warning,info,pedantic "$out"/*.changes
ls -l "$out"/*.deb
