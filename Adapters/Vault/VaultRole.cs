using System.Text.Json;
using ControlPlane.Certificates;

namespace ControlPlane.Adapters.Vault;

/// <summary>What a role of the PKI mount says that it does.</summary>
/// <param name="Name">The role's name.</param>
/// <param name="Fields">Vault's answer to <c>GET roles/{name}</c>.</param>
internal sealed record VaultRole(string Name, JsonElement Fields)
{
    /// <summary>What a profile asks and the role would not give, each a phrase that follows the issuer's name.</summary>
    /// <param name="profile">The profile.</param>
    /// <param name="stored">Whether our settings say that the role stores.</param>
    /// <param name="mountMax">The mount's <c>max_lease_ttl</c>, which a role without <c>max_ttl</c> has; null when it is not known.</param>
    public IEnumerable<string> FaultsFor(CertificateProfile profile, bool stored, TimeSpan? mountMax)
    {
        // Vault cuts off what is beyond, with a warning that no program reads.
        var (most, whose) = Seconds("max_ttl") is > 0 and var seconds
            ? (TimeSpan.FromSeconds(seconds), "its max_ttl")
            : (mountMax, "the mount's max_lease_ttl: tune it, or give the role a max_ttl");
        if (most < profile.Lifetime)
        {
            yield return $"ends certificates of the role '{Name}' after {most}, "
                + $"before {nameof(profile.Lifetime)}={profile.Lifetime} ({whose})";
        }

        if (Fields.TryGetProperty("not_after", out var end) && end.ValueKind is JsonValueKind.String && end.GetString() is { Length: > 0 })
        {
            yield return $"refuses every lifetime that is ordered of the role '{Name}' (not_after)";
        }

        if (Flag("client_flag", otherwise: true) is false)
        {
            yield return $"does not certify clients by the role '{Name}' (client_flag)";
        }

        if (Flag("server_flag", otherwise: true) != profile.ServerAuthentication)
        {
            yield return $"certifies servers or not by the role '{Name}' (server_flag) against {nameof(profile.ServerAuthentication)}={profile.ServerAuthentication}";
        }

        if (Flag("use_csr_sans", otherwise: true) && profile.DnsNames.Count + profile.Uris.Count > 0)
        {
            yield return $"passes over the names that we order by the role '{Name}' (use_csr_sans)";
        }

        if (Flag("no_store", otherwise: false) == stored)
        {
            yield return $"stores what the role '{Name}' signs or not (no_store) against {nameof(VaultOptions.Stored)}={stored}";
        }

        if (Flag("generate_lease", otherwise: false))
        {
            yield return $"takes back what the role '{Name}' signed when our token ends (generate_lease)";
        }
    }

    // A field that is absent has Vault's default.
    private bool Flag(string name, bool otherwise) =>
        Fields.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.True or JsonValueKind.False
        ? value.ValueKind is JsonValueKind.True
        : otherwise;

    // Vault answers seconds as a number; older ones as text with a unit, which is left to the check of each certificate.
    private long Seconds(string name) =>
        Fields.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.Number && value.TryGetInt64(out var seconds)
            ? seconds
            : 0;
}
