namespace ControlPlane.Nodes;

/// <summary>What may be a node's identity: one rule, applied wherever an identity enters. Pure.</summary>
/// <remarks>
/// It is what Choria takes of host names and the like, upper case and underscores too, and no more than can stand verbatim in a NATS
/// subject (<c>choria.node.&lt;identity&gt;</c>): a broker ends the connection of whoever names a longer or a malformed one, and a silo has
/// one connection for all of its nodes. What can be certified is less: see <c>IdentityRules</c>.
/// </remarks>
public static class NodeIdentity
{
    /// <summary>As long as a host name may be, with what it is written in DNS.</summary>
    public const int BytesMax = 255;

    public const string Rule =
        "an identity is 1 to 255 letters, digits, dots, hyphens and underscores, begins with a letter or digit, and has no empty part between dots";

    /// <summary>Whether a node may have the identity.</summary>
    public static bool IsValid(string? identity)
    {
        if (identity is not { Length: > 0 and <= BytesMax } || !char.IsAsciiLetterOrDigit(identity[0]) || identity[^1] == '.')
        {
            return false;
        }

        var previous = '.';
        foreach (var character in identity)
        {
            var isOfPart = char.IsAsciiLetterOrDigit(character) || character is '-' or '_';
            if (!isOfPart && (character != '.' || previous == '.'))
            {
                return false;
            }

            previous = character;
        }

        return true;
    }
}
