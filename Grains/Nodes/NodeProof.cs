using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using ControlPlane.Filters;

namespace ControlPlane.Nodes;

/// <summary>Decides whether a machine has shown what the site demands of the node whose name it says. Pure.</summary>
/// <remarks>
/// The region's provisioning token is the same for all machines, and facts are the node's own words: what is demanded of them is
/// something that others do not know.
/// </remarks>
internal static class NodeProof
{
    private const string SecretClaim = "extensions.secret";
    private const int LeavesMax = 10_000;

    /// <summary>What it has not shown, in words; null when nothing is missing.</summary>
    public static string? Fault(
        string identity, NodeState state, EnrolmentFindings findings, NodeProofOptions options, IExpectedNodes expected, DateTimeOffset now)
    {
        try
        {
            using var claims = JsonDocument.Parse(findings.ClaimsJson);
            using var inventory = JsonDocument.Parse(findings.InventoryJson);
            return Fault(identity, state, claims.RootElement, inventory.RootElement, options, expected, now);
        }
        catch (JsonException)
        {
            return "what it says of itself cannot be read";
        }
    }

    private static string? Fault(
        string identity,
        NodeState state,
        JsonElement claims,
        JsonElement inventory,
        NodeProofOptions options,
        IExpectedNodes expected,
        DateTimeOffset now)
    {
        if (options.IdentityClaim is { } claim && FactPath.FindOrNull(claims, claim) != identity)
        {
            return $"the claim {claim} of its provisioning token is not its identity";
        }

        if (options.AllowListFile is null)
        {
            return null;
        }

        if (expected.FindOrNull(identity) is not { } node)
        {
            return "it is not in the list of expected nodes";
        }

        var facts = inventory.ValueKind == JsonValueKind.Object && inventory.TryGetProperty("facts", out var said) ? said : default;
        return SecretFault(node, state, claims, now)
            ?? FactFault(node, facts)
            ?? DocumentFault(node, facts, options, expected);
    }

    // The secret is in a file of the node, and on the wire of a network that is not trusted: it lets in one machine, once.
    private static string? SecretFault(ExpectedNode node, NodeState state, JsonElement claims, DateTimeOffset now)
    {
        if (node.SecretSha256 is not { } digest)
        {
            return null;
        }

        if (FactPath.FindOrNull(claims, SecretClaim) is not { } secret
            || !digest.Equals(Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(secret))), StringComparison.OrdinalIgnoreCase))
        {
            return $"the claim {SecretClaim} of its provisioning token is not the secret that is listed for it";
        }

        return state.Held is not null && !state.WasAskedToEnrol(state.WaitingSince ?? now)
            ? "its secret was used, and nobody asked it to enrol anew; if it is the node, reprovision it"
            : null;
    }

    private static string? FactFault(ExpectedNode node, JsonElement facts)
    {
        if (node.Facts.FirstOrDefault(fact => FactPath.FindOrNull(facts, fact.Key) != fact.Value) is { Key: { } wrong })
        {
            return $"its fact {wrong} is not what is listed for it";
        }

        if (node.Mac is not { } mac)
        {
            return null;
        }

        var leaves = new List<(string Path, FactValue Value)>();
        FactPath.Flatten(facts, LeavesMax, leaves);
        return leaves.Exists(leaf => mac.Equals(leaf.Value.Text, StringComparison.OrdinalIgnoreCase))
            ? null
            : "none of its facts is the hardware address that is listed for it";
    }

    private static string? DocumentFault(ExpectedNode node, JsonElement facts, NodeProofOptions options, IExpectedNodes expected)
    {
        if (node.Document.Count == 0)
        {
            return null;
        }

        if (FactPath.FindOrNull(facts, options.DocumentFact) is not { } text
            || FactPath.FindOrNull(facts, options.DocumentSignatureFact) is not { } signature
            || !expected.IsSigned(text, signature))
        {
            return $"its fact {options.DocumentFact} is no document that its cloud has signed";
        }

        using var document = JsonDocument.Parse(text);
        var wrong = node.Document.FirstOrDefault(field => FactPath.FindOrNull(document.RootElement, field.Key) != field.Value).Key;
        return wrong is not null
            ? $"{wrong} in its cloud's document is not what is listed for it"
            : null;
    }
}
