#!/usr/bin/env bash
# A release as a bash script, the way teams write it: build, test, push, and set the image in the
# ops repository with yq. It does the same work as pipeline.yaml asks for, in the same containers.
#
#   script.sh APP REVISION
#
# The environment says where things are: SOURCE_URL, OPS_URL, REGISTRY, BASE_IMAGE, DATABASE_IMAGE;
# DOCKER and YQ are the commands. Git finds its password through GIT_ASKPASS. UNIT is how the unit
# tests are run; with ONLY_UNIT, there are no others.
set -euo pipefail

app=$1 revision=$2
image=$REGISTRY/$app:$revision
test_image=$app-test:$revision
manifest=staging/$app/deployment.yaml
here=$app-$$
work=$(mktemp -d)
export DOCKER_BUILDKIT=1 DATABASE_URL=postgresql://shop:shop@database/shop APP_URL=http://app:8080

clean_up() {
  stop_services
  rm -rf "$work"
}
trap clean_up EXIT

build() {  # TARGET TAG
  "$DOCKER" build --target "$1" --tag "$2" --build-arg "BASE=$BASE_IMAGE" \
    --build-arg "REVISION=$revision" --label "org.opencontainers.image.revision=$revision" \
    "$work/code"
}

start() {  # HOSTNAME, then what docker run takes
  local name=$1 && shift
  "$DOCKER" run --detach --name "$here-$name" --network "$here" --network-alias "$name" "$@"
}

start_database() {
  start database --env POSTGRES_USER=shop --env POSTGRES_PASSWORD=shop --env POSTGRES_DB=shop \
    "$DATABASE_IMAGE"
}

stop_services() {
  "$DOCKER" rm --force --volumes "$here-database" "$here-app" || true
  "$DOCKER" network rm "$here" || true
} &>/dev/null

until_it_works() {  # COMMAND…; once a second would add half a second a service for nothing
  local attempt
  for ((attempt = 0; attempt < 600; attempt++)); do
    if "$@" &>/dev/null; then return; fi
    sleep 0.1
  done
  echo "never worked: $*" >&2
  return 1
}

database_is_ready() {
  "$DOCKER" exec "$here-database" pg_isready --host 127.0.0.1 --username shop
}

app_is_healthy() {
  [[ $("$DOCKER" inspect --format '{{.State.Health.Status}}' "$here-app") == healthy ]]
}

# Code
git clone --quiet "$SOURCE_URL" "$work/code"
git -C "$work/code" checkout --quiet "$revision"

# The cheapest tests first: a red one costs neither the second image nor a database.
build test "$test_image"
"$DOCKER" run --rm --name "$here-unit" "$test_image" ${UNIT:-pytest --exitfirst} tests/unit

build runtime "$image"

# Each layer has a database of its own, as in pipeline.yaml: the order of the layers means nothing.
test_with_database() {
  "$DOCKER" network create "$here"
  start_database
  until_it_works database_is_ready
  "$DOCKER" run --rm --name "$here-integration" --network "$here" --env DATABASE_URL "$test_image" \
    pytest --exitfirst tests/integration
  stop_services

  "$DOCKER" network create "$here"
  start_database
  start app --env DATABASE_URL "$image"
  until_it_works app_is_healthy
  "$DOCKER" run --rm --name "$here-e2e" --network "$here" --env APP_URL "$test_image" \
    pytest --exitfirst tests/e2e
  stop_services
}
if [[ -z ${ONLY_UNIT:-} ]]; then test_with_database; fi

# Release
"$DOCKER" push "$image"
IMAGE=$("$DOCKER" inspect --format '{{index .RepoDigests 0}}' "$image")
export IMAGE

# Deploy
git clone --quiet "$OPS_URL" "$work/ops"
cd "$work/ops"
"$YQ" -i '(select(.kind == "Deployment") | .spec.template.spec.containers[]
  | select(.name == "shop")).image = strenv(IMAGE)' "$manifest"
if ! git diff --quiet; then
  git commit --quiet --all --message "$app ${revision:0:7} → staging"
  git push --quiet origin HEAD:main || { git pull --quiet --rebase && git push --quiet origin HEAD:main; }
fi
