namespace ControlPlane.Adapters.Choria.Tests;

using System.Text.Json.Nodes;

/// <summary>The tokens that a verifier must refuse, and the controls that it must not.</summary>
public sealed class NegativeTokenTests
{
    private static readonly DateTimeOffset ValidAt = DateTimeOffset.FromUnixTimeSeconds(
        JsonNode.Parse(Captures.Text("negative", "keys.json"))!["valid_at_unix"]!.GetValue<long>());

    private static readonly Dictionary<string, TokenRefusal?> Expected = new()
    {
        ["client-control"] = null,
        ["client-altered-claim"] = TokenRefusal.Untrusted,
        ["client-alg-none"] = TokenRefusal.AnotherAlgorithm,
        ["client-alg-hs256"] = TokenRefusal.AnotherAlgorithm,
        ["client-other-issuer"] = TokenRefusal.Untrusted,
        ["client-expired"] = TokenRefusal.Expired,
        ["client-not-yet-valid"] = TokenRefusal.NotYetValid,
        ["client-wrong-purpose"] = TokenRefusal.AnotherPurpose,
        ["chained-server-control"] = null,
        ["chained-server-bad-tcs-issuer-part"] = TokenRefusal.WronglyChained,
        ["chained-server-bad-tcs-token-part"] = TokenRefusal.WronglyChained,
        ["chained-server-no-tcs"] = TokenRefusal.WronglyChained,
        ["chained-server-other-jti"] = TokenRefusal.WronglyChained,
        ["chained-server-unknown-chain-issuer"] = TokenRefusal.WronglyChained,
        ["provisioning-control"] = null,
        ["provisioning-altered-claim"] = TokenRefusal.Untrusted,
        ["provisioning-other-issuer"] = TokenRefusal.Untrusted,
    };

    [Fact]
    public void TryVerify_RefusesEveryNegativeToken_ForItsReason()
    {
        var actual = Captures.Lines("negative", "tokens.jsonl").ToDictionary(line => line["case"]!.GetValue<string>(), ReasonOf);

        Assert.Equal(Expected, actual);
    }

    private static TokenRefusal? ReasonOf(JsonNode line)
    {
        var key = IssuerKey.FromEd25519Hex(line["verify_with_issuer_public_hex"]!.GetValue<string>());
        var trust = TokenTrust.InOrganizations(new Dictionary<string, IssuerKey> { ["choria"] = key });
        var token = line["token"]!.GetValue<string>();
        TokenFault? fault;
        var trusted = line["kind"]!.GetValue<string>() switch
        {
            "client" => trust.TryVerify(token, ValidAt, out ClientClaims? _, out fault),
            "server" => trust.TryVerify(token, ValidAt, out ServerClaims? _, out fault),
            _ => trust.TryVerify(token, ValidAt, out ProvisioningClaims? _, out fault),
        };
        Assert.Equal(trusted, fault is null);
        Assert.Equal(line["expected"]!.GetValue<string>() == "accept", trusted);
        return fault?.Reason;
    }
}
