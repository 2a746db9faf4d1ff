using ControlPlane.Nodes;

namespace ControlPlane.Certificates;

/// <summary>Which identities a node's certificate may carry. Pure.</summary>
/// <remarks>They are fewer than those that a node may have (<see cref="NodeIdentity"/>): a certificate is read by TLS.</remarks>
internal static class IdentityRules
{
    /// <summary>RFC 5280's upper bound of a common name; the identity is one.</summary>
    public const int LengthMax = 64;

    private const string Otherwise =
        "give the node another identity, or enrol it by a server token alone (protocol v2, Provisioning:V2Credentials)";

    private const int LabelLengthMax = 63;
    private const int NameLengthMax = 253;

    // Choria's own deny list: *.privileged.{domain} is how signers are named.
    private const string PrivilegedLabel = "privileged";

    // Choria gives its own clients and the AAA Service's signers names of these forms; a node that carried one would be obeyed.
    private static readonly string[] ReservedEndings = [".mcollective", ".choria"];

    /// <summary>
    /// Why a further DNS name of a node may not be in a certificate, or null. It is not a common name, so that it may be longer.
    /// </summary>
    public static string? NameFault(string name) =>
        name.Length > NameLengthMax ? $"it has more than {NameLengthMax} characters"
        : name.Split('.')
            .All(IsLabel) ? Array.Find(ReservedEndings, ending => name.EndsWith(ending, StringComparison.Ordinal)) is { } reserved
            ? $"names that end in '{reserved}' are kept for clients"
            : null
        : "its labels are not 1 to 63 of a-z, 0-9 and inner hyphens";

    /// <summary>The rule that the identity breaks, or null.</summary>
    public static SigningRequestVerdict.Refused? Fault(string identity)
    {
        if (identity.Length is 0 or > LengthMax)
        {
            return Malformed(
                $"a certificate's common name has 1 to {LengthMax} characters (RFC 5280), the identity {identity.Length}; {Otherwise}");
        }

        var labels = identity.Split('.');
        if (Array.FindIndex(labels, label => !IsLabel(label)) is var wrong and >= 0)
        {
            return Malformed(
                $"label {wrong + 1} of the identity is not 1 to {LabelLengthMax} of a-z, 0-9 and inner hyphens, as the DNS name in a "
                + $"certificate must be: upper case and underscores cannot be certified; {Otherwise}");
        }

        // What a punycode label looks like on a screen is not what it is.
        if (Array.Exists(labels, label => label.StartsWith("xn--", StringComparison.Ordinal)))
        {
            return Malformed("the identity has an internationalised label");
        }

        if (labels[^1].All(char.IsAsciiDigit))
        {
            return Malformed("the identity ends in a number, as an IP address does");
        }

        if (Array.Find(ReservedEndings, ending => identity.EndsWith(ending, StringComparison.Ordinal)) is { } reserved)
        {
            return new SigningRequestVerdict.Refused(Refusal.IdentityReserved, $"identities that end in '{reserved}' are kept for clients");
        }

        return labels.Skip(1).Contains(PrivilegedLabel)
            ? new SigningRequestVerdict.Refused(Refusal.IdentityReserved, $"identities with '.{PrivilegedLabel}.' are kept for clients")
            : null;
    }

    private static bool IsLabel(string label) =>
        label.Length is > 0 and <= LabelLengthMax
        && label[0] != '-'
        && label[^1] != '-'
        && label.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');

    private static SigningRequestVerdict.Refused Malformed(string detail) => new(Refusal.IdentityMalformed, detail);
}
