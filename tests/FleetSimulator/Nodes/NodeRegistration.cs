using System.Text.Json;
using ControlPlane.Adapters.Choria;
using ControlPlane.FleetSimulator.Agents;

namespace ControlPlane.FleetSimulator.Nodes;

/// <summary>What a provisioned node registers, as <c>inventory_content</c> does: its inventory, in a request that nobody answers.</summary>
internal static class NodeRegistration
{
    private const string NoClass = "unknown";

    /// <summary>The subject and the payload; null when the node holds nothing to sign it with.</summary>
    public static (string Subject, byte[] Payload)? EncodeOrNull(NodeView node, string broker)
    {
        var identity = node.Profile.Identity;
        var isV2 = node.Files.Configuration!.UsesTokens;
        var collective = node.Process.Collectives[0];
        var protocol = isV2 ? ChoriaProtocol.V2 : ChoriaProtocol.V1;
        var request = new ChoriaRequest
        {
            Protocol = protocol,
            Id = RequestId.New(protocol, node.Now),
            Sender = identity,
            Caller = isV2 ? identity : $"choria={identity}",
            Collective = collective,
            Agent = RegistrationBody.Agent,
            UnixNanoseconds = node.Now.ToUnixTimeMilliseconds() * 1_000_000,
            Body = new RegistrationBody.InventoryContent(Inventory(node, broker)).Encode(),
        };
        var headers = new TransportHeaders(ChoriaSubjects.NoReply, identity) { Trace = [new TraceHop(broker, identity, broker)] };
        return Sign(request, headers, node.Files) is { } payload ? (ChoriaSubjects.Registration(collective), payload) : null;
    }

    private static byte[]? Sign(ChoriaRequest request, TransportHeaders headers, NodeFiles files)
    {
        if (request.Protocol == ChoriaProtocol.V1)
        {
            return files is { PrivateKey: { } held, Certificate: { } certificate }
                ? held.With(rsa => ChoriaEnvelope.EncodeRequest(request, headers, RequestSigner.WithCertificate(rsa, certificate)))
                : null;
        }

        if (files is not { Seed: { } seed, ServerToken: { } token })
        {
            return null;
        }

        using var key = Ed25519Key.FromSeed(seed);
        return ChoriaEnvelope.EncodeRequest(request, headers, RequestSigner.WithToken(key, token));
    }

    private static byte[] Inventory(NodeView node, string broker)
    {
        using var facts = JsonDocument.Parse(node.Profile.FactsJson);
        var role = Facts.FindOrNull(facts.RootElement, "role")?.GetString();
        var content = new InventoryContent(
            [.. NodeAgents.Sorted.Select(name => new RegisteredAgent(name))],
            [$"role::{role ?? NoClass}"],
            facts.RootElement,
            new RegisteredStatus(
                node.Profile.Identity, (long)(node.Now - node.Process.StartedAt).TotalSeconds, broker, node.Process.IsProvisioning),
            [.. node.Process.Collectives],
            new RegisteredBuild(NodeProfile.ChoriaVersion, "58e80bab"),
            []);
        return JsonSerializer.SerializeToUtf8Bytes(content, AgentJson.Default.InventoryContent);
    }
}
