using System.Text.RegularExpressions;

namespace ControlPlane.Api;

/// <summary>What the API takes for a node's identity. Nothing else becomes a grain's key.</summary>
internal static partial class NodeIdentity
{
    /// <summary>As long as a host name may be.</summary>
    private const int LengthMax = 253;

    public const string Rule = "an identity is 1 to 253 letters, digits, dots, hyphens and underscores, and begins with a letter or digit";

    public static bool IsValid(string identity) => identity.Length <= LengthMax && Shape().IsMatch(identity);

    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9._-]*\z")]
    private static partial Regex Shape();
}
