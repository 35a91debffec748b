// Walk a client of openapi-generator's go through the API.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	"walk/agentsessions"
)

const (
	name      = "openapi-generator go"
	inContext = "generated clients"
)

func client(url string) *agentsessions.APIClient {
	configuration := agentsessions.NewConfiguration()
	configuration.Servers = agentsessions.ServerConfigurations{{URL: os.Getenv(url)}}
	return agentsessions.NewAPIClient(configuration)
}

func withToken(token string) context.Context {
	return context.WithValue(context.Background(), agentsessions.ContextAccessToken, token)
}

// passed tells the runner that a step succeeded.
func passed(step string, holds bool, details ...any) {
	if !holds {
		log.Fatalln(append([]any{step + ":"}, details...)...)
	}
	fmt.Println(step)
}

// failure returns the typed body of a request's failure.
func failure(err error) agentsessions.ErrorResponse {
	var apiError *agentsessions.GenericOpenAPIError
	if errors.As(err, &apiError) {
		if body, isTyped := apiError.Model().(agentsessions.ErrorResponse); isTyped {
			return body
		}
	}
	log.Fatalln("the error has no typed body:", err)
	panic("unreachable")
}

func main() {
	anyone := context.Background()
	api, standIn := client("API_URL"), client("STAND_IN_URL")

	input := agentsessions.NewSignInInput(name)
	input.SetContext(inContext)
	signedIn, _, err := api.SessionsAPI.SignIn(anyone).SignInInput(*input).Execute()
	passed("sign in", err == nil, err)

	agent := withToken(signedIn.SessionToken)
	session, _, err := api.SessionsAPI.ValidateSession(agent).Execute()
	passed("validate", err == nil && session.SessionId == signedIn.SessionId, err)

	report := agentsessions.NewProgressInput()
	report.SetState(agentsessions.WORKING)
	report.SetActivity("walking")
	reported, _, err := api.SessionsAPI.ReportProgress(agent).ProgressInput(*report).Execute()
	passed("progress", err == nil && *reported.State.Get() == agentsessions.WORKING && reported.ProgressAt.Get() != nil, err)

	found, _, err := api.AgentsAPI.ListAgents(anyone).AgentName(name).Context(inContext).Execute()
	passed("find", err == nil && len(found.Agents) == 1 && found.Agents[0].GetOnline(), err)

	page, _, err := api.AgentsAPI.ListAgentSessions(anyone, signedIn.AgentId).Limit(100).Execute()
	listed := false
	for _, each := range page.GetSessions() {
		listed = listed || each.SessionId == signedIn.SessionId
	}
	passed("list", err == nil && listed, err)

	_, _, err = api.SessionsAPI.SignIn(anyone).SignInInput(*agentsessions.NewSignInInput(" ")).Execute()
	invalid := failure(err).Problem
	passed("400", invalid != nil && invalid.Error == "ValidationError" && invalid.Errors[0].Field == "agent_name", err)

	_, _, err = api.SessionsAPI.ValidateSession(withToken("ags_unknown")).Execute()
	refused := failure(err).Problem
	passed("401", refused != nil && refused.Error == "InvalidSessionError", err)

	_, _, err = standIn.AgentsAPI.GetAgent(anyone, signedIn.AgentId).Execute()
	forbidden := failure(err).GatewayMessage
	passed("gateway 403", forbidden != nil && *forbidden.Message.Get() == "Forbidden", err)

	_, _, err = standIn.SessionsAPI.ValidateSession(anyone).Execute()
	passed("new field", err == nil, err)

	_, err = api.SessionsAPI.SignOut(agent).Execute()
	if err == nil {
		_, _, after := api.SessionsAPI.ValidateSession(agent).Execute()
		passed("sign out", failure(after).Problem != nil)
		return
	}
	passed("sign out", false, err)
}
