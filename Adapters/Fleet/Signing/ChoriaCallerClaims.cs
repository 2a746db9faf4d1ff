using ControlPlane.Adapters.Choria;

namespace ControlPlane.Adapters.Fleet.Signing;

/// <summary>What a verified token of a Choria user says of its holder, in the words of the AAA service's policies. Pure.</summary>
public static class ChoriaCallerClaims
{
    /// <summary>Properties that a user may have. They travel with each call that the user causes.</summary>
    public const int PropertiesMax = 64;

    /// <summary>Characters of all of them together, names included.</summary>
    public const int CharactersMax = 8 * 1024;

    private const string PropertyPrefix = "user_properties.";

    /// <summary>
    /// <c>callerid</c>, <c>ou</c>, and <c>user_properties.NAME</c> for each; null when there are more than a call can carry.
    /// </summary>
    public static IReadOnlyDictionary<string, IReadOnlyList<string>>? OfOrNull(ClientClaims claims)
    {
        var properties = claims.UserProperties ?? new Dictionary<string, string>(StringComparer.Ordinal);
        if (properties.Count > PropertiesMax || properties.Sum(one => one.Key.Length + one.Value.Length) > CharactersMax)
        {
            return null;
        }

        var found = properties.ToDictionary(
            one => PropertyPrefix + one.Key, one => (IReadOnlyList<string>)[one.Value], StringComparer.Ordinal);
        found["callerid"] = [claims.CallerId];
        if (claims.OrganizationUnit is { } unit)
        {
            found["ou"] = [unit];
        }

        return found;
    }
}
