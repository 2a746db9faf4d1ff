namespace ControlPlane.FleetSimulator.Tokens;

/// <summary>A <c>provisioning.jwt</c> as the node that holds it uses it: without verifying it.</summary>
/// <param name="Text">The token itself. Secret: the broker takes it for a credential.</param>
/// <param name="Secret">The <c>cht</c> claim, which <c>choria_provision</c> actions must bring. Secret.</param>
/// <param name="Urls">The <c>chu</c> claim.</param>
/// <param name="User">The <c>chusr</c> claim.</param>
/// <param name="Password">The <c>chpwd</c> claim. Secret.</param>
/// <param name="AllowsUpdate">The <c>update</c> claim.</param>
internal sealed record ProvisioningToken(string Text, string Secret, string Urls, string? User, string? Password, bool AllowsUpdate);
