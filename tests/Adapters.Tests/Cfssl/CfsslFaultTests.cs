using System.Net;
using System.Text;
using ControlPlane.Adapters.Cfssl;
using ControlPlane.Certificates;

namespace ControlPlane.Adapters.Tests.Cfssl;

public sealed class CfsslFaultTests
{
    [Theory]
    [InlineData(400, 9003, typeof(IssuerRefusedException))]
    [InlineData(400, 9300, typeof(IssuerRefusedException))]
    [InlineData(400, 5300, typeof(IssuerRefusedException))]
    [InlineData(400, 5500, typeof(IssuerRefusedException))]
    [InlineData(400, 5100, typeof(IssuerMisconfiguredException))]
    [InlineData(400, 5400, typeof(IssuerMisconfiguredException))]
    [InlineData(400, 400, typeof(IssuerMisconfiguredException))]
    [InlineData(405, 405, typeof(IssuerMisconfiguredException))]
    [InlineData(403, 0, typeof(IssuerMisconfiguredException))]
    [InlineData(302, 0, typeof(IssuerMisconfiguredException))]
    [InlineData(429, 0, typeof(IssuerThrottledException))]
    [InlineData(503, 0, typeof(IssuerUnavailableException))]
    [InlineData(400, 11100, typeof(IssuerOutcomeUnknownException))]
    [InlineData(500, 0, typeof(IssuerOutcomeUnknownException))]
    [InlineData(502, 0, typeof(IssuerOutcomeUnknownException))]
    [InlineData(504, 0, typeof(IssuerOutcomeUnknownException))]
    public void OfOrder_SaysWhatTheCallerMustDo(int status, int code, Type expected) =>
        Assert.IsType(expected, CfsslFault.OfOrder("tested", new CfsslAnswer((HttpStatusCode)status, null, code, "why", null)));

    [Fact]
    public void OfOrder_WaitsAsLongAsAsked_WhenAProxyIsBusy()
    {
        var fault = CfsslFault.OfOrder(
            "tested", new CfsslAnswer(HttpStatusCode.ServiceUnavailable, null, 0, "", TimeSpan.FromSeconds(7)));

        Assert.Equal(TimeSpan.FromSeconds(7), Assert.IsType<IssuerThrottledException>(fault).RetryAfter);
    }

    [Theory]
    [InlineData("""{"success":false,"result":null,"errors":[{"code":5500,"message":"no"}],"messages":[]}""", 5500, "no")]
    [InlineData("""{"success":false,"result":null,"errors":[],"messages":[]}""", 0, "no reason given")]
    [InlineData("404 page not found\n", 0, "404 page not found")]
    [InlineData("", 0, "")]
    public void Read_TakesTheReasonFromTheContent_WhenItFailed(string body, int code, string message)
    {
        var answer = CfsslAnswer.Read(HttpStatusCode.BadRequest, Encoding.UTF8.GetBytes(body), null);

        Assert.Null(answer.Result);
        Assert.Equal((code, message), (answer.Code, answer.Message));
    }
}
