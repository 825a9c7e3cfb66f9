# One image for the engine and the operator. Stages: the PostgreSQL clients, which change with PostgreSQL alone; our binaries; the
# files that they need; and nothing else.

FROM debian:bookworm-slim AS clients
RUN apt-get -q update \
 && DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends \
      bison bzip2 flex gcc libc6-dev libssl-dev make perl xz-utils zlib1g-dev
# pg_dump must be as new as the newest server. Debian has it in a later suite of the mirror that this base came from.
WORKDIR /postgresql
RUN mirror=$(apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' 'Identifier: Packages' 'Component: main' \
      | sed -n 's/^Debian|Debian|//p' | sed -n 1p) \
 && echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror forky main" >/etc/apt/sources.list.d/forky.list \
 && apt-get -q update \
 && apt-get -q --download-only source postgresql-18 \
 && tar -xf postgresql-18_*.orig.tar.* --strip-components=1 \
 && rm postgresql-18_*
# libpq is linked into both, so that they do not depend on the older one beside them.
RUN ./configure -q --prefix=/usr --without-icu --without-readline --with-ssl=openssl --disable-rpath CFLAGS=-O2 \
 && make -s -j"$(nproc)" -C src/backend generated-headers \
 && make -s -j"$(nproc)" -C src/interfaces/libpq all-static-lib \
 && make -s -j"$(nproc)" -C src/bin/pg_dump pg_dump pg_restore \
      libpq_pgport='-L$(top_builddir)/src/interfaces/libpq -l:libpq.a -L$(top_builddir)/src/common -lpgcommon -L$(top_builddir)/src/port -lpgport -lpgcommon_shlib -lpgport_shlib' \
 && strip src/bin/pg_dump/pg_dump src/bin/pg_dump/pg_restore

FROM debian:bookworm-slim AS build
RUN apt-get -q update \
 && DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends \
      ca-certificates ccache cmake g++ libcli11-dev libcpprest-dev libgmock-dev libgtest-dev libpq-dev libspdlog-dev libssl-dev \
      libyaml-cpp-dev ninja-build nlohmann-json3-dev pkg-config prometheus-cpp-dev
WORKDIR /tributary
COPY CMakeLists.txt CMakePresets.json ./
COPY cmake cmake
COPY engine engine
COPY operator operator
RUN --mount=type=cache,id=tributary-ccache,target=/ccache \
    export CCACHE_DIR=/ccache \
 && cmake --preset release \
 && cmake --build build/release --target tributary tributary-operator \
 && mkdir /binaries \
 && cp build/release/bin/tributary build/release/bin/tributary-operator /binaries/ \
 && strip /binaries/* \
 && rm -r build

FROM build AS files
COPY --from=clients /postgresql/src/bin/pg_dump/pg_dump /postgresql/src/bin/pg_dump/pg_restore /binaries/
COPY --from=clients /postgresql/COPYRIGHT /files/usr/share/doc/postgresql-18/copyright
COPY scripts/image-files.sh /
RUN /image-files.sh /files /binaries/*

FROM scratch
ARG VERSION=dev
LABEL org.opencontainers.image.title="Tributary" \
      org.opencontainers.image.description="Replicates databases into PostgreSQL: engine, operator and the PostgreSQL 18 clients" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=files /files /
ENV PATH=/usr/bin HOME=/tmp
USER 65532:65532
ENTRYPOINT ["/usr/bin/tributary"]
