#!/usr/bin/env bash
# A release as a bash script, the way teams write it: build, test, push, and set the image in the
# ops repository with yq. It does the same work as pipeline.yaml asks for, in the same containers.
#
#   script.sh APP REVISION
#
# The environment says where things are: SOURCE_URL, OPS_URL, REGISTRY, BASE_IMAGE, DATABASE_IMAGE;
# DOCKER and YQ are the commands. Git finds its password through GIT_ASKPASS. UNIT is how the unit
# tests are run; with ONLY_UNIT, there are no others. With AHEAD, nothing waits that need not: what
# the layers need starts before their turn, the second image is built beside the first layer, and
# what is over is removed beside what follows. Nobody writes that; it is how short the way can get.
set -euo pipefail

app=$1 revision=$2
image=$REGISTRY/$app:$revision
test_image=$app-test:$revision
manifest=staging/$app/deployment.yaml
here=$app-$$
work=$(mktemp -d)
export DOCKER_BUILDKIT=1 DATABASE_URL=postgresql://shop:shop@database/shop APP_URL=http://app:8080

clean_up() {
  local status=$?
  # Of a script that ends well, nothing stands.
  if [[ $status != 0 ]]; then kill $(jobs -p) || true; remove integration; remove e2e; fi
  rm -rf "$work"
} &>/dev/null
trap clean_up EXIT

build() {  # TARGET TAG
  "$DOCKER" build --target "$1" --tag "$2" --build-arg "BASE=$BASE_IMAGE" \
    --build-arg "REVISION=$revision" --label "org.opencontainers.image.revision=$revision" \
    "$work/code"
}

start() {  # LAYER HOSTNAME, then what docker run takes
  local layer=$1 name=$2 && shift 2
  "$DOCKER" run --detach --name "$here-$layer-$name" --network "$here-$layer" \
    --network-alias "$name" "$@"
}

start_database() {  # LAYER
  "$DOCKER" network create "$here-$1"
  start "$1" database --env POSTGRES_USER=shop --env POSTGRES_PASSWORD=shop \
    --env POSTGRES_DB=shop "$DATABASE_IMAGE"
}

start_app() {  # LAYER
  start "$1" app --env DATABASE_URL "$image"
}

test_in() {  # LAYER, then the tests
  local layer=$1 && shift
  "$DOCKER" run --rm --name "$here-$layer" --network "$here-$layer" --env DATABASE_URL \
    --env APP_URL "$test_image" pytest --exitfirst "$@"
}

remove() {  # LAYER
  "$DOCKER" rm --force --volumes "$here-$1-database" "$here-$1-app" || true
  "$DOCKER" network rm "$here-$1" || true
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

database_is_ready() {  # LAYER
  "$DOCKER" exec "$here-$1-database" pg_isready --host 127.0.0.1 --username shop
}

app_is_healthy() {  # LAYER
  [[ $("$DOCKER" inspect --format '{{.State.Health.Status}}' "$here-$1-app") == healthy ]]
}

unit_tests() {
  "$DOCKER" run --rm --name "$here-unit" "$test_image" ${UNIT:-pytest --exitfirst} tests/unit
}

# Each layer has a database of its own, as in pipeline.yaml: the order of the layers means nothing.
one_after_the_other() {
  # The cheapest tests first: a red one costs neither the second image nor a database.
  build test "$test_image"
  unit_tests
  build runtime "$image"
  if [[ -n ${ONLY_UNIT:-} ]]; then return; fi

  start_database integration
  until_it_works database_is_ready integration
  test_in integration tests/integration
  remove integration

  start_database e2e
  start_app e2e
  until_it_works app_is_healthy e2e
  test_in e2e tests/e2e
  remove e2e
}

ahead() {
  local second database
  start_database integration &
  database=$!
  build test "$test_image"
  { build runtime "$image" && start_database e2e && start_app e2e; } &
  second=$!
  unit_tests

  wait "$database"
  until_it_works database_is_ready integration
  test_in integration tests/integration
  remove integration &

  wait "$second"
  until_it_works app_is_healthy e2e
  test_in e2e tests/e2e
  remove e2e &
}

# Code
git clone --quiet "$SOURCE_URL" "$work/code"
git -C "$work/code" checkout --quiet "$revision"

# Build, test
if [[ -n ${AHEAD:-} ]]; then ahead; else one_after_the_other; fi

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
