using System.Globalization;
using System.Text.RegularExpressions;
using ControlPlane.Certificates;

namespace ControlPlane.Adapters.Cfssl;

/// <summary>What cfssl says of one of its signing profiles.</summary>
/// <param name="Certificate">The CA certificate that signs, DER.</param>
/// <param name="Usages">The usages of what it issues, joined by commas.</param>
/// <param name="Expiry">How long what it issues lives, as Go writes it: <c>168h</c>.</param>
internal sealed partial record CfsslProfile(byte[] Certificate, string Usages, string Expiry)
{
    // Its own backdating, up to an hour, is taken from the end.
    private static readonly TimeSpan BackdateMax = TimeSpan.FromHours(1);

    // cfssl's names of what a node's certificate may have.
    private static readonly string[] Signing = ["signing", "digital signature"];
    private static readonly string[] Allowed = [.. Signing, "key encipherment", "key agreement", "server auth", "client auth"];

    /// <summary>What a profile of ours asks and this one would not give, each a phrase that follows the issuer's name.</summary>
    public IReadOnlyList<string> FaultsFor(CertificateProfile profile)
    {
        var usages = Usages.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var faults = usages.Except(Allowed).Select(usage => $"certifies for '{usage}'").ToList();
        if (!usages.Intersect(Signing).Any() || !usages.Contains("key encipherment") || !usages.Contains("client auth"))
        {
            faults.Add("does not certify for 'signing', 'key encipherment' and 'client auth'");
        }

        if (usages.Contains("server auth") != profile.ServerAuthentication)
        {
            faults.Add($"certifies servers or not against {nameof(profile.ServerAuthentication)}={profile.ServerAuthentication}");
        }

        if (ReadExpiry() is { } expiry && expiry > profile.Lifetime + BackdateMax)
        {
            faults.Add($"certifies for {expiry}, longer than {nameof(profile.Lifetime)}={profile.Lifetime}");
        }

        return faults;
    }

    /// <summary>The same profile: the CA certificate is the same for all.</summary>
    public bool Equals(CfsslProfile? other) => other is not null && Usages == other.Usages && Expiry == other.Expiry;

    public override int GetHashCode() => HashCode.Combine(Usages, Expiry);

    // Go's durations: hours, minutes and seconds; what is written otherwise is left to the check of each certificate.
    private TimeSpan? ReadExpiry()
    {
        var match = Duration().Match(Expiry);
        double Part(string name) =>
            match.Groups[name] is { Success: true } part ? double.Parse(part.Value, CultureInfo.InvariantCulture) : 0;

        return match.Success ? TimeSpan.FromHours(Part("h")) + TimeSpan.FromMinutes(Part("m")) + TimeSpan.FromSeconds(Part("s")) : null;
    }

    [GeneratedRegex(@"^(?=.)((?<h>\d{1,7})h)?((?<m>\d{1,7})m)?((?<s>\d{1,7}(\.\d+)?)s)?$", RegexOptions.ExplicitCapture)]
    private static partial Regex Duration();
}
