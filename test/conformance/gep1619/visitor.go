// A client of the gateway with a memory: what sessions are tested with.
package gep1619

import (
	"fmt"
	nethttp "net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sigs.k8s.io/gateway-api/conformance/utils/http"
	confsuite "sigs.k8s.io/gateway-api/conformance/utils/suite"
)

const (
	// followUps is how many requests of a session must reach its Pod: as the plan wants it, and with two Pods a chance of
	// 2^-50 for a gateway without sessions.
	followUps = 50
	// attempts is how many clients may come until one of them is on another Pod than the first, or on a backend that a
	// good part of them is sent to.
	attempts = 100
)

// visitor is a user agent: it sends back the cookies that it was given by the rules of RFC 6265.
type visitor struct {
	suite  *confsuite.ConformanceTestSuite
	gwAddr string
	jar    nethttp.CookieJar
	// headers go with every request.
	headers map[string]string
}

// visit is what one request showed.
type visit struct {
	pod     string
	cookies []*nethttp.Cookie
	headers nethttp.Header
}

func newVisitor(suite *confsuite.ConformanceTestSuite, gwAddr string) *visitor {
	// Without options it rejects nothing and never fails.
	jar, _ := cookiejar.New(nil)
	return &visitor{suite: suite, gwAddr: gwAddr, jar: jar, headers: map[string]string{}}
}

// try sends a request and answers who got it.
func (v *visitor) try(t *testing.T, path string) (visit, error) {
	t.Helper()
	expected := http.ExpectedResponse{
		Request:   http.Request{Path: path},
		Response:  http.Response{StatusCodes: []int{200}},
		Namespace: confsuite.InfrastructureNamespace,
	}
	request := http.MakeRequest(t, &expected, v.gwAddr, "HTTP", "http")
	for name, value := range v.headers {
		request.Headers[name] = []string{value}
	}
	if cookies := v.jar.Cookies(&request.URL); len(cookies) > 0 {
		request.Headers["Cookie"] = []string{cookieHeader(cookies)}
	}
	captured, response, err := v.suite.RoundTripper.CaptureRoundTrip(request)
	if err != nil {
		return visit{}, fmt.Errorf("failed to roundtrip request: %w", err)
	}
	if err := http.CompareRoundTrip(t, &request, captured, response, expected); err != nil {
		return visit{}, fmt.Errorf("response expectation failed for request: %w", err)
	}
	headers := nethttp.Header(response.Headers)
	cookies := (&nethttp.Response{Header: headers}).Cookies()
	v.jar.SetCookies(&request.URL, cookies)
	return visit{pod: captured.Pod, cookies: cookies, headers: headers}, nil
}

// get is try where a failure ends the test.
func (v *visitor) get(t *testing.T, path string) visit {
	t.Helper()
	result, err := v.try(t, path)
	require.NoError(t, err)
	return result
}

// mustStay sends followUps requests, each of which must reach the Pod.
func (v *visitor) mustStay(t *testing.T, path, pod string) {
	t.Helper()
	for i := range followUps {
		require.Equalf(t, pod, v.get(t, path).pod, "request %d of the session left its Pod", i+1)
	}
}

func (v *visitor) hasCookie(path, name string) bool {
	cookies := v.jar.Cookies(&url.URL{Scheme: "http", Host: v.gwAddr, Path: path})
	return slices.ContainsFunc(cookies, func(cookie *nethttp.Cookie) bool { return cookie.Name == name })
}

func cookieHeader(cookies []*nethttp.Cookie) string {
	pairs := make([]string, 0, len(cookies))
	for _, cookie := range cookies {
		pairs = append(pairs, cookie.String())
	}
	return strings.Join(pairs, "; ")
}

// firstCookie is the cookie of a session that begins with this response.
func firstCookie(t *testing.T, first visit) *nethttp.Cookie {
	t.Helper()
	require.Len(t, first.cookies, 1, "the first response must set the cookie of the session, and no other")
	require.NotEmpty(t, first.cookies[0].Value, "the cookie of the session must have a value")
	return first.cookies[0]
}

// isOf tells whether a Pod belongs to the Deployment of that name.
func isOf(pod, deployment string) bool { return strings.HasPrefix(pod, deployment+"-") }
