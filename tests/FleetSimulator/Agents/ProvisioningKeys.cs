using System.Text;
using ControlPlane.Adapters.Choria;
using ControlPlane.FleetSimulator.Faults;
using ControlPlane.FleetSimulator.Keys;
using ControlPlane.FleetSimulator.Nodes;

namespace ControlPlane.FleetSimulator.Agents;

/// <summary>The actions that tell or make keys: each call makes new ones and forgets the old.</summary>
internal static class ProvisioningKeys
{
    private const int AgentKeyBits = 2048;
    private const int WeakKeyBits = 1024;
    private const int ExchangeKeyBytes = 32;

    public static Reaction Jwt(AgentCall call, NodeView node)
    {
        var inputs = new GoArguments(call, "JWTRequest");
        var secret = inputs.Text("token");
        if ((inputs.Fault ?? ProvisionAgent.WrongSecret(secret, node)) is { } refusal)
        {
            return new Reaction(refusal);
        }

        var exchangeKey = new byte[ExchangeKeyBytes];
        node.Random.NextBytes(exchangeKey);
        using var exchange = NodeKeyExchange.FromPrivateKey(exchangeKey);
        var reply = new JwtReply(node.Profile.Token.Text, exchange.PublicKeyHex);
        return new Reaction(AgentReply.Ok(reply, AgentJson.Default.JwtReply))
        {
            Process = node.Process with { ExchangeKey = exchangeKey },
        };
    }

    public static Reaction Gen25519(AgentCall call, NodeView node)
    {
        var inputs = new GoArguments(call, "ED25519Request");
        var (secret, nonce) = (inputs.Text("token"), inputs.Text("nonce"));
        if ((inputs.Fault ?? ProvisionAgent.WrongSecret(secret, node)) is { } refusal)
        {
            return new Reaction(refusal);
        }

        var seed = new byte[Ed25519Key.SeedBytes];
        node.Random.NextBytes(seed);
        using var key = Ed25519Key.FromSeed(seed);
        var reply = new Gen25519Reply(key.PublicKeyHex, node.Profile.ConfigurationDirectory, key.SignHex(Encoding.UTF8.GetBytes(nonce)));
        return new Reaction(AgentReply.Ok(reply, AgentJson.Default.Gen25519Reply))
        {
            // A token of the former key would not match: the agent removes it.
            Files = node.Files with { Seed = seed, Ed25519PublicKey = key.PublicKeyHex, ServerToken = null },
        };
    }

    public static Reaction Gencsr(AgentCall call, NodeView node)
    {
        var inputs = new GoArguments(call, "CSRRequest");
        var secret = inputs.Text("token");
        var asked = new SigningSubject(inputs.Text("cn"), inputs.Text("C"), inputs.Text("O"), inputs.Text("OU"), inputs.Text("L"));
        if ((inputs.Fault ?? ProvisionAgent.WrongSecret(secret, node)) is { } refusal)
        {
            return new Reaction(refusal);
        }

        var subject = asked.CommonName.Length == 0 ? asked with { CommonName = node.Profile.Identity } : asked;
        var key = node.Keys.Next(node.Profile.Fault == SimulatedFault.WeakKey ? WeakKeyBits : AgentKeyBits);
        var made = SigningRequests.Make(key, subject, node.Profile.Fault);
        var reply = new GencsrReply(made.RequestPem, made.PublicKeyPem, node.Profile.SslDirectory);
        return new Reaction(AgentReply.Ok(reply, AgentJson.Default.GencsrReply))
        {
            Files = node.Files with { PrivateKey = key },
        };
    }
}
