namespace ControlPlane.Adapters.Choria.Tests;

using System.Text;
using System.Text.Json.Nodes;

/// <summary>
/// What a claim set must have is checked when it is read, once, with the reason: a token that is well signed and lacks a claim is refused,
/// and nobody who uses claims has to ask whether they are there.
/// </summary>
public sealed class ClaimSetTests : IDisposable
{
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(1_795_400_000);
    private static readonly string[] RequiredClaims = ["cht", "identity", "collectives", "callerid"];

    private readonly Ed25519Key organization = Ed25519Key.FromSeed(Enumerable.Repeat((byte)1, 32).ToArray());

    private TokenTrust Trust => TokenTrust.InSigners(IssuerKey.FromEd25519Hex(organization.PublicKeyHex));

    /// <summary>Every captured token, signed anew by a key of ours: what is changed in it is well signed.</summary>
    private static List<JsonObject> CapturedClaims()
    {
        var claims = Directory.EnumerateFiles(Captures.Root, "*.jwt", SearchOption.AllDirectories)
            .Select(file => JsonNode.Parse(TokenText.Read(File.ReadAllText(file).Trim()).ClaimsJson)!.AsObject())
            .ToList();
        foreach (var set in claims)
        {
            set.Remove("tcs");
            set["iss"] = "test";
            set["nbf"] = (Now - TimeSpan.FromDays(1)).ToUnixTimeSeconds();
            set["exp"] = (Now + TimeSpan.FromDays(1)).ToUnixTimeSeconds();
        }

        return claims;
    }

    [Fact]
    public void EveryCapturedToken_IsRead_WithAllItsClaims()
    {
        foreach (var claims in CapturedClaims())
        {
            Assert.Null(Read(claims));
        }
    }

    [Fact]
    public void ATokenThatLacksAClaim_IsReadOrRefused_AndNeverThrows()
    {
        var refused = new HashSet<string>();
        foreach (var claims in CapturedClaims())
        {
            foreach (var (name, _) in claims.ToList())
            {
                var without = claims.DeepClone().AsObject();
                without.Remove(name);
                if (Read(without) is { } fault)
                {
                    refused.Add(name);
                    Assert.NotEmpty(fault.Detail);
                    Assert.True(
                        fault.Reason != TokenRefusal.Malformed || fault.Detail.Contains(name, StringComparison.Ordinal),
                        $"without {name}: {fault.Detail}");
                }
            }
        }

        Assert.Superset(RequiredClaims.Append("public_key").ToHashSet(), refused);
    }

    [Fact]
    public void AClaimOfAnotherKind_IsReadOrRefused_AndNeverThrows()
    {
        string[] others = ["null", "\"\"", "0", "[]", "{}", "[null]", "{\"a\":null}", "\"\\u0000\"", "true", "-9223372036854775808"];
        foreach (var claims in CapturedClaims().DistinctBy(claims => $"{claims["purpose"]}"))
        {
            foreach (var (name, _) in claims.ToList())
            {
                foreach (var other in others)
                {
                    var changed = claims.DeepClone().AsObject();
                    changed[name] = JsonNode.Parse(other);
                    Read(changed);
                }
            }
        }
    }

    [Theory]
    [InlineData("{\"alg\":\"EdDSA\",\"crit\":[\"b64\"],\"b64\":false}")]
    [InlineData("{\"alg\":\"EdDSA\",\"crit\":[]}")]
    [InlineData("{\"alg\":\"EdDSA\",\"crit\":null}")]
    [InlineData("{\"alg\":\"EdDSA\",\"crit\":[\"exp\"],\"exp\":1}")]
    public void ATokenWithCriticalExtensions_IsRefused_ForWeUnderstandNone(string header)
    {
        var claims = CapturedClaims().First(set => $"{set["purpose"]}" == "choria_server");

        Assert.False(Trust.TryVerify(Sign(header, claims), Now, out ServerClaims? _, out var fault));
        Assert.Equal(TokenRefusal.Malformed, fault.Reason);
        Assert.Contains("crit", fault.Detail, StringComparison.Ordinal);
    }

    public void Dispose() => organization.Dispose();

    /// <summary>Why a token of the claims is refused; null when it is believed, all that it must have having been used.</summary>
    private TokenFault? Read(JsonObject claims)
    {
        var token = Sign("{\"alg\":\"EdDSA\",\"typ\":\"JWT\"}", claims);
        TokenFault? fault = null;
        switch ($"{claims["purpose"]}")
        {
            case "choria_server":
                ChoriaToken.TryReadUnverified(token, out ServerClaims? _, out _);
                if (Trust.TryVerify(token, Now, out ServerClaims? server, out fault))
                {
                    Use(server);
                }

                break;
            case "choria_client_id":
                ChoriaToken.TryReadUnverified(token, out ClientClaims? _, out _);
                if (Trust.TryVerify(token, Now, out ClientClaims? client, out fault))
                {
                    Use(client);
                }

                break;
            default:
                ChoriaToken.TryReadUnverified(token, out ProvisioningClaims? _, out _);
                if (Trust.TryVerify(token, Now, out ProvisioningClaims? provisioning, out fault))
                {
                    Assert.NotEmpty(provisioning.Secret);
                    Assert.False(provisioning.HasSecret(""));
                    Assert.NotNull(provisioning.Urls ?? provisioning.ServiceDomain);
                    provisioning.ToJsonWithoutSecrets();
                }

                break;
        }

        return fault;
    }

    private static void Use(ServerClaims server)
    {
        Assert.NotEmpty(server.Identity);
        Assert.All(server.Collectives, Assert.NotEmpty);
        Assert.NotEmpty(server.Collectives);
        Assert.All(server.PublishSubjects ?? [], Assert.NotNull);
        Assert.NotNull(server.Permissions);
        Assert.Equal(Ed25519Key.PublicKeyBytes, Convert.FromHexString(server.PublicKey!).Length);
    }

    private static void Use(ClientClaims client)
    {
        Assert.NotEmpty(client.CallerId);
        Assert.All(
            (client.Agents ?? []).Concat(client.PublishSubjects ?? []).Concat(client.SubscribeSubjects ?? [])
                .Concat(client.UserProperties?.Values ?? []),
            Assert.NotNull);
        Assert.Equal(Ed25519Key.PublicKeyBytes, Convert.FromHexString(client.PublicKey!).Length);
    }

    private string Sign(string header, JsonObject claims)
    {
        var signed = $"{Encode(header)}.{Encode(claims.ToJsonString())}";
        return $"{signed}.{System.Buffers.Text.Base64Url.EncodeToString(organization.Sign(Encoding.ASCII.GetBytes(signed)))}";
    }

    private static string Encode(string json) => System.Buffers.Text.Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json));
}
