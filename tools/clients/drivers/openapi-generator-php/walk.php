<?php

// Walk a client of openapi-generator's php through the API.

declare(strict_types=1);

use GuzzleHttp\Client;
use OpenAPI\Client\Api\AgentsApi;
use OpenAPI\Client\Api\SessionsApi;
use OpenAPI\Client\ApiException;
use OpenAPI\Client\Configuration;
use OpenAPI\Client\Model\ErrorResponse;
use OpenAPI\Client\Model\ProgressInput;
use OpenAPI\Client\Model\SignInInput;
use OpenAPI\Client\Model\State;

const NAME = 'openapi-generator php';
const CONTEXT = 'generated clients';

require 'GuzzleHttp/autoload.php';
spl_autoload_register(function (string $class): void {
    $prefix = 'OpenAPI\\Client\\';
    if (str_starts_with($class, $prefix)) {
        require __DIR__ . '/generated/lib/' . str_replace('\\', '/', substr($class, strlen($prefix))) . '.php';
    }
});
set_error_handler(function (int $level, string $message, string $file, int $line): never {
    throw new ErrorException($message, 0, $level, $file, $line);
});

/** Tell the runner that a step succeeded. */
function passed(string $step, bool $holds = true): void
{
    if (!$holds) {
        fwrite(STDERR, "$step: the response is not the expected one\n");
        exit(1);
    }
    echo "$step\n";
}

/** Return the typed body of a request's failure. */
function failure(callable $request, int $status): ErrorResponse
{
    try {
        $request();
    } catch (ApiException $error) {
        $body = $error->getResponseObject();
        if ($error->getCode() === $status && $body instanceof ErrorResponse) {
            return $body;
        }
        throw $error;
    }
    throw new RuntimeException("the request succeeded, and $status was expected");
}

function configuration(string $url, string $token = ''): Configuration
{
    return (new Configuration())->setHost(getenv($url))->setAccessToken($token);
}

$http = new Client();
$sessions = new SessionsApi($http, configuration('API_URL'));
$agents = new AgentsApi($http, configuration('API_URL'));

$signedIn = $sessions->signIn(new SignInInput(['agent_name' => NAME, 'context' => CONTEXT]));
passed('sign in', $signedIn->valid());

$agent = new SessionsApi($http, configuration('API_URL', $signedIn->getSessionToken()));
$session = $agent->validateSession();
passed('validate', $session->valid() && $session->getSessionId() === $signedIn->getSessionId());

$reported = $agent->reportProgress(new ProgressInput(['state' => State::WORKING, 'activity' => 'walking']));
passed('progress', $reported->getState() === State::WORKING && $reported->getProgressAt() instanceof DateTime);

$found = $agents->listAgents(NAME, CONTEXT)->getAgents();
passed('find', count($found) === 1 && $found[0]->getOnline());

$listed = $agents->listAgentSessions($signedIn->getAgentId(), 100)->getSessions();
$ids = array_map(fn ($each) => $each->getSessionId(), $listed);
passed('list', in_array($signedIn->getSessionId(), $ids, true));

$invalid = failure(fn () => $sessions->signIn(new SignInInput(['agent_name' => ' '])), 400);
passed('400', $invalid->getError() === 'ValidationError' && $invalid->getErrors()[0]->getField() === 'agent_name');

$stranger = new SessionsApi($http, configuration('API_URL', 'ags_unknown'));
passed('401', failure(fn () => $stranger->validateSession(), 401)->getError() === 'InvalidSessionError');

$standIn = configuration('STAND_IN_URL');
$forbidden = failure(fn () => (new AgentsApi($http, $standIn))->getAgent($signedIn->getAgentId()), 403);
passed('gateway 403', $forbidden->getMessage() === 'Forbidden');

passed('new field', (new SessionsApi($http, $standIn))->validateSession()->valid());

$agent->signOut();
passed('sign out', failure(fn () => $agent->validateSession(), 401)->getError() === 'InvalidSessionError');
