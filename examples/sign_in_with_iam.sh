#!/bin/sh
# Sign an agent in with AWS credentials: API_URL=https://… sh examples/sign_in_with_iam.sh "Claude"
# Needs curl 7.76, AWS_DEFAULT_REGION, and what `eval "$(aws configure export-credentials --format env)"` sets.
curl --fail-with-body --silent --show-error --request POST "$API_URL/sessions" \
    --aws-sigv4 "aws:amz:$AWS_DEFAULT_REGION:execute-api" --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" \
    ${AWS_SESSION_TOKEN:+--header "X-Amz-Security-Token: $AWS_SESSION_TOKEN"} \
    --header "Content-Type: application/json" --data "{\"agent_name\": \"$1\"}"
