#!/bin/sh
# Sign an agent in with AWS credentials: API_URL=https://… sh examples/sign_in_with_iam.sh "Claude"
# Needs curl 7.76, AWS_DEFAULT_REGION, and the variables that `aws configure export-credentials --format env` prints.
stop() {
    echo "$1" >&2
    exit 1
}
[ $# -eq 1 ] || stop "Give the name of the agent: sh examples/sign_in_with_iam.sh NAME"
[ "$API_URL" ] || stop "Set API_URL to the URL of the service: the stack output ApiUrl."
[ "$AWS_DEFAULT_REGION" ] || stop "Set AWS_DEFAULT_REGION to the region of the service."
[ "$AWS_ACCESS_KEY_ID" ] && [ "$AWS_SECRET_ACCESS_KEY" ] ||
    stop 'Set the credentials first: eval "$(aws configure export-credentials --format env)"'
command -v curl >/dev/null || stop "Install curl 7.76 or newer."

# In a JSON string only quotation marks and backslashes have a meaning of their own.
agent_name=$(printf '%s' "$1" | sed 's/[\"]/\\&/g')
# curl reads the secrets from its standard input, because every user can see the arguments of a program.
secrets="user = \"$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY\""
[ -z "$AWS_SESSION_TOKEN" ] || secrets="$secrets
header = \"X-Amz-Security-Token: $AWS_SESSION_TOKEN\""
printf '%s\n' "$secrets" | curl --config - --fail-with-body --silent --show-error \
    --aws-sigv4 "aws:amz:$AWS_DEFAULT_REGION:execute-api" --request POST "${API_URL%/}/sessions" \
    --header "Content-Type: application/json" --data "{\"agent_name\": \"$agent_name\"}"
