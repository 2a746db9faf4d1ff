using System.Collections.Frozen;
using System.Text.Json;
using ControlPlane.Adapters.Choria;

namespace ControlPlane.Adapters.Fleet.Signing;

/// <summary>The users of all files at one time. Immutable.</summary>
/// <param name="Users">By their names.</param>
/// <param name="Cost">The most costly of their hashes.</param>
/// <param name="Files">All that was read for it.</param>
internal sealed record UserList(FrozenDictionary<string, ListedUser> Users, int Cost, IReadOnlyList<string> Files)
{
    /// <summary>A password that takes longer to check than this keeps the silo busy: 14 is about a second.</summary>
    public const int CostMax = 14;

    private const int CostMin = 4;

    // Those of real sites are some hundred kilobytes.
    private const int BytesMax = 16 << 20;

    /// <summary>What Choria's own <c>aaasvc crypt</c> makes.</summary>
    private const int CostByDefault = 5;

    public static UserList None { get; } = new(FrozenDictionary<string, ListedUser>.Empty, CostByDefault, []);

    /// <summary>Reads the files; every fault, each with its file and user. With any, the list is not to be used.</summary>
    public static UserList Read(IReadOnlyList<string> files, string organization, out IReadOnlyList<string> faults)
    {
        var (found, read) = (new List<string>(), new List<string>());
        var users = new Dictionary<string, ListedUser>(StringComparer.Ordinal);
        foreach (var file in files)
        {
            try
            {
                foreach (var user in ReadFile(file, read))
                {
                    found.AddRange(Faults(user, organization).Select(fault => $"'{file}': user '{user.Username}': {fault}"));
                    if (!users.TryAdd(user.Username, WithPolicy(user, read)))
                    {
                        found.Add($"'{file}': user '{user.Username}' is listed before; name each once");
                    }
                }
            }
            catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException or JsonException)
            {
                found.Add($"'{file}' cannot be read as a list of users of the AAA service: {unreadable.Message}");
            }
        }

        faults = found;
        var costs = users.Values.Select(user => CostOf(user.Password)).OfType<int>().Where(cost => cost <= CostMax);
        return new UserList(users.ToFrozenDictionary(StringComparer.Ordinal), costs.DefaultIfEmpty(CostByDefault).Max(), read);
    }

    private static IReadOnlyList<ListedUser> ReadFile(string file, List<string> read)
    {
        var text = ReadText(file, read);
        if (text.AsSpan().TrimStart() is ['[', ..])
        {
            return ReadUsers(text);
        }

        var listed = JsonSerializer.Deserialize(text, UserListJson.Default.AaaConfiguration)?.UserlistAuthenticator
            ?? throw new JsonException("it is neither a list nor a configuration with userlist_authenticator");

        // As the AAA service does it: a file that is named stands for what is written beside its name.
        return listed.UsersFile is { Length: > 0 } other ? ReadUsers(ReadText(other, read)) : listed.Users ?? [];
    }

    private static IReadOnlyList<ListedUser> ReadUsers(string text) =>
        JsonSerializer.Deserialize(text, UserListJson.Default.IReadOnlyListListedUser) is { } users && !users.Contains(null!)
            ? users
            : throw new JsonException("it has a null in the place of a user");

    private static string ReadText(string file, List<string> read)
    {
        read.Add(file);
        return new FileInfo(file) is not { Exists: true, Length: > BytesMax }
            ? File.ReadAllText(file)
            : throw new JsonException($"it is larger than {BytesMax} bytes");
    }

    private static ListedUser WithPolicy(ListedUser user, List<string> read) =>
        user is { OpaPolicy: null or "", OpaPolicyFile: { Length: > 0 } file } ? user with { OpaPolicy = ReadText(file, read) } : user;

    private static IEnumerable<string> Faults(ListedUser user, string organization)
    {
        if (user.Username.Length is 0 or > ChoriaLimits.NameCharactersMax || user.Username.Any(char.IsControl))
        {
            yield return $"the username must be 1 to {ChoriaLimits.NameCharactersMax} characters";
        }

        if (CostOf(user.Password) is not { } cost)
        {
            yield return "password is no bcrypt hash, such as 'aaasvc crypt' makes";
        }
        else if (cost is < CostMin or > CostMax)
        {
            yield return $"password is hashed at a cost of {cost}; {CostMin} to {CostMax} can be checked here";
        }

        if (user.Organization is { Length: > 0 } own && own != organization)
        {
            yield return $"organization '{own}' is not that of Access:Signer:Organization, '{organization}'";
        }

        if (user.Acls?.FirstOrDefault(entry => !ActionList.IsEntry(entry ?? "null")) is { } malformed)
        {
            yield return $"'{malformed}' in acls, which makes nodes refuse all of it; write agent.action, agent.* or *";
        }
    }

    /// <summary>What a bcrypt hash costs, <c>$2b$05$</c> and 53 characters of salt and hash; null of what is none.</summary>
    internal static int? CostOf(string hash) =>
        hash is ['$', '2', 'a' or 'b' or 'y', '$', var tens, var ones, '$', ..] && hash.Length == 60
            && char.IsAsciiDigit(tens) && char.IsAsciiDigit(ones)
                ? ((tens - '0') * 10) + (ones - '0')
                : null;
}
