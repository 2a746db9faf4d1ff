using ControlPlane.Access;

namespace ControlPlane.Cluster.Tests.Access;

public sealed class OidcOptionsTests
{
    private static readonly OidcOptionsValidator Validator = new();

    [Fact]
    public void Validate_SaysAllFaultsAtOnce()
    {
        var result = Validator.Validate(null, new OidcOptions
        {
            KeysGrace = TimeSpan.FromDays(8),
            Issuers =
            {
                ["corp"] = new() { Issuer = "http://idp.example.net", Algorithms = ["HS256"], SecondFactorRequired = true },
                ["other"] = new()
                {
                    Issuer = "https://idp.example.org", Audiences = ["cp"], CaFile = "/no/such/ca.pem", PrincipalClaim = "",
                },
            },
        });

        Assert.Equal(
            [
                "Issuers:corp:Algorithms:0: must be one of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, is 'HS256'",
                "Issuers:corp:Audiences: must name at least one audience",
                "Issuers:corp:Issuer: must be https://, or http:// on the loopback, is 'http://idp.example.net'",
                "Issuers:corp:Prefix: must differ from the other providers', or each could name the other's principals",
                "Issuers:corp:SecondFactorRequired: needs SecondFactorAcr or SecondFactorAmr: what says that there was one",
                "Issuers:other:CaFile: there is no file '/no/such/ca.pem', or it may not be read",
                "Issuers:other:Prefix: must differ from the other providers', or each could name the other's principals",
                "Issuers:other:PrincipalClaim: must name a claim",
                "KeysGrace: must be between 00:01:00 and 7.00:00:00, is 8.00:00:00",
            ],
            result.Failures!.Select(fault => fault.Replace("Property ", "", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Validate_TakesWhatIsSound() => Assert.True(Validator.Validate(null, new OidcOptions
    {
        Issuers =
        {
            ["corp"] = new() { Issuer = "https://idp.example.net/realms/one", Audiences = ["cp"] },
            ["other"] = new() { Issuer = "http://127.0.0.1:8080/", Audiences = ["cp"], Prefix = "other:" },
        },
    }).Succeeded);
}
