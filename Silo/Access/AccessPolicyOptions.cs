using ControlPlane.Access.Policies;
using Microsoft.Extensions.Options;

namespace ControlPlane.Access;

/// <summary>Where it is written who may do what. Section <c>Access:Policy</c>.</summary>
public sealed class AccessPolicyOptions
{
    public const string Section = "Access:Policy";

    /// <summary>
    /// The policy file, YAML; it is read again when it changes. Without one, whoever reaches the loopback address of a silo that demands
    /// no token, and whoever holds a token without roles, may do everything, and nobody else may do anything.
    /// </summary>
    public string File { get; set; } = "";

    /// <summary>
    /// The settings that let in callers whom only a policy can give something to do: each way to authenticate that is configured adds
    /// itself here, and demands a policy by it.
    /// </summary>
    internal List<string> NeededBy { get; } = [];
}

/// <summary>A silo does not start with a policy that has faults, or without one where somebody could do nothing without it.</summary>
internal sealed class AccessPolicyOptionsValidator(IServiceProviderIsService services) : IValidateOptions<AccessPolicyOptions>
{
    public ValidateOptionsResult Validate(string? name, AccessPolicyOptions options)
    {
        var faults = new ValidateOptionsResultBuilder();
        if (options.File.Length > 0)
        {
            var read = AccessPolicyFile.Read(options.File);
            foreach (var fault in read.Faults)
            {
                faults.AddError(fault, nameof(options.File));
            }

            if (read.Content is { Policy.AsksOutside: true } && !services.IsService(typeof(IAccessAuthority)))
            {
                faults.AddError("says what is asked outside ('external'), and nobody is configured: set Access:Opa:Url", nameof(options.File));
            }
        }
        else if (options.NeededBy.Count > 0)
        {
            faults.AddError(
                $"is needed by {string.Join(", ", options.NeededBy)}: without a policy, nobody who is let in by that may do anything",
                nameof(options.File));
        }

        return faults.Build();
    }
}
